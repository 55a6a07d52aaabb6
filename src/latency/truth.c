#include "latency/truth.h"

#include "base/clock.h"
#include "base/reserve.h"
#include "latency/truth_state.h"

#include <errno.h>
#include <stdlib.h>

static size_t side_bin_bytes(unsigned slots)
{
    return slots * TRUTH_FIGURES * SKETCH_BINS * sizeof(uint32_t);
}

static size_t ledger_bin_bytes(unsigned slots)
{
    return slots * TRUTH_FIGURES * SKETCH_BINS * sizeof(uint64_t);
}

static bool ledger_init(struct truth_ledger *ledger, unsigned slots)
{
    ledger->slots = calloc(slots, sizeof *ledger->slots);
    ledger->bins = reserve_memory(ledger_bin_bytes(slots));
    return ledger->slots != NULL && ledger->bins != NULL;
}

static void ledger_free(struct truth_ledger *ledger, unsigned slots)
{
    free(ledger->slots);
    reserve_free(ledger->bins, ledger_bin_bytes(slots));
}

static void set_next_boundary(struct truth *truth, struct truth_time now)
{
    truth->next_boundary_realtime_ns = (now.realtime_ns / TRUTH_SLICE_NS + 1) * TRUTH_SLICE_NS;
}

struct truth *truth_new(unsigned slots, struct truth_time started)
{
    ASSERT(slots > 0);
    struct truth *truth = aligned_alloc(_Alignof(struct truth), sizeof *truth);
    if (truth == NULL) {
        return NULL;
    }
    *truth = (struct truth){.slot_count = slots, .started = started, .open_from = started};
    pthread_mutex_init(&truth->lock, NULL);
    grace_init(&truth->turn.grace);
    set_next_boundary(truth, started);
    truth->series = calloc(slots, sizeof *truth->series);
    bool total = ledger_init(&truth->total, slots);
    bool open = ledger_init(&truth->open, slots);
    if (truth->series == NULL || !total || !open) {
        truth_free(truth);
        return NULL;
    }
    return truth;
}

static void worker_free(struct truth_worker *worker, unsigned slots)
{
    for (unsigned i = 0; worker != NULL && i < 2; i++) {
        /* The first slot's bins are the start of all. */
        if (worker->sides[i].slots != NULL) {
            reserve_free(worker->sides[i].slots[0].bins, side_bin_bytes(slots));
        }
        free(worker->sides[i].slots);
    }
    free(worker);
}

void truth_free(struct truth *truth)
{
    if (truth == NULL) {
        return;
    }
    for (unsigned i = 0; i < truth->worker_count; i++) {
        worker_free(truth->workers[i], truth->slot_count);
    }
    for (unsigned i = 0; i < truth->slice_count; i++) {
        truth_slice_release_locked(truth->slices[i]);
    }
    free(truth->series);
    ledger_free(&truth->total, truth->slot_count);
    ledger_free(&truth->open, truth->slot_count);
    pthread_mutex_destroy(&truth->lock);
    free(truth);
}

static bool side_init(struct truth_side *side, unsigned slots)
{
    side->slots = aligned_alloc(_Alignof(struct truth_slot), slots * sizeof *side->slots);
    if (side->slots == NULL) {
        return false;
    }
    memset(side->slots, 0, slots * sizeof *side->slots);
    uint32_t(*bins)[SKETCH_BINS] = reserve_memory(side_bin_bytes(slots));
    if (bins == NULL) {
        return false;
    }
    for (unsigned i = 0; i < slots; i++) {
        side->slots[i].bins = bins + i * TRUTH_FIGURES;
        for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
            side->slots[i].tallies[figure] = TRUTH_TALLY_EMPTY;
        }
    }
    return true;
}

struct truth_worker *truth_add_worker(struct truth *truth)
{
    ASSERT(truth->worker_count < TRUTH_MAX_WORKERS);
    struct truth_worker *worker = aligned_alloc(CACHE_LINE_BYTES, CACHE_LINE_BYTES);
    _Static_assert(sizeof *worker <= CACHE_LINE_BYTES, "nothing else is on the line");
    if (worker == NULL) {
        return NULL;
    }
    *worker = (struct truth_worker){.turn = &truth->turn};
    bool first = side_init(&worker->sides[0], truth->slot_count);
    bool second = side_init(&worker->sides[1], truth->slot_count);
    if (!first || !second) {
        worker_free(worker, truth->slot_count);
        return NULL;
    }
    truth->workers[truth->worker_count++] = worker;
    return worker;
}

struct truth_time truth_time_now(void)
{
    return (struct truth_time){clock_realtime_ns(), clock_monotonic_ns()};
}

/* Moves one figure's bins to both ledgers; returns how many values they had. */
static uint64_t take_bins(struct truth *truth, uint32_t *bins, struct sketch_range range,
                          unsigned slot, unsigned figure)
{
    uint64_t count = 0;
    for (uint32_t bin = range.first; bin <= range.last; bin++) {
        if (bins[bin] > 0) {
            truth->total.bins[slot][figure][bin] += bins[bin];
            truth->open.bins[slot][figure][bin] += bins[bin];
            count += bins[bin];
            bins[bin] = 0;
        }
    }
    return count;
}

static void take_side(struct truth *truth, const struct truth_side *side)
{
    for (unsigned slot = 0; slot < truth->slot_count; slot++) {
        struct truth_slot *from = &side->slots[slot];
        for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
            struct truth_tally *tally = &from->tallies[figure];
            if (tally->max_ns < tally->min_ns) {
                continue;
            }
            struct sketch_range range = {sketch_bin(tally->min_ns), sketch_bin(tally->max_ns)};
            struct truth_sums sums = {
                .sum_ns = tally->sum_ns,
                .min_ns = tally->min_ns,
                .max_ns = tally->max_ns,
                .count = take_bins(truth, from->bins[figure], range, slot, figure),
            };
            truth_sums_merge(&truth->total.slots[slot].figures[figure], &sums);
            truth_sums_merge(&truth->open.slots[slot].figures[figure], &sums);
            *tally = TRUTH_TALLY_EMPTY;
        }
        for (unsigned i = 0; i <= TRUTH_BOUNDS; i++) {
            truth->total.slots[slot].buckets[i] += from->buckets[i];
            truth->open.slots[slot].buckets[i] += from->buckets[i];
            from->buckets[i] = 0;
        }
    }
}

void truth_cut_locked(struct truth *truth)
{
    uint32_t cuts = atomic_load_explicit(&truth->turn.cuts, memory_order_relaxed);
    atomic_store(&truth->turn.cuts, cuts + 1);
    grace_pass_barriers(&truth->turn.grace);
    for (unsigned i = 0; i < truth->worker_count; i++) {
        struct truth_worker *worker = truth->workers[i];
        grace_wait(&worker->recording);
        take_side(truth, &worker->sides[cuts & 1]);
    }
}

static void ledger_move(struct truth_ledger *ledger, unsigned from, unsigned to)
{
    struct truth_slot_sums *source = &ledger->slots[from], *target = &ledger->slots[to];
    for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
        struct sketch_range range = truth_sums_range(&source->figures[figure]);
        for (uint32_t bin = range.first; bin <= range.last; bin++) {
            ledger->bins[to][figure][bin] += ledger->bins[from][figure][bin];
            ledger->bins[from][figure][bin] = 0;
        }
        truth_sums_merge(&target->figures[figure], &source->figures[figure]);
    }
    for (unsigned i = 0; i <= TRUTH_BOUNDS; i++) {
        target->buckets[i] += source->buckets[i];
    }
    *source = (struct truth_slot_sums){0};
}

void truth_restart_slot(struct truth *truth, unsigned slot, unsigned former)
{
    ASSERT(slot < truth->slot_count && former < truth->slot_count && slot != former);
    pthread_mutex_lock(&truth->lock);
    truth_cut_locked(truth);
    ledger_move(&truth->total, slot, former);
    ledger_move(&truth->open, slot, former);
    truth->series[slot]++;
    truth->former_slot = former;
    pthread_mutex_unlock(&truth->lock);
}

int64_t truth_tick(struct truth *truth, struct truth_time now)
{
    pthread_mutex_lock(&truth->lock);
    if (now.realtime_ns >= truth->next_boundary_realtime_ns) {
        truth_cut_locked(truth);
        truth_end_slice_locked(truth, now);
        set_next_boundary(truth, now);
    } else if (truth->next_boundary_realtime_ns - now.realtime_ns > TRUTH_SLICE_NS) {
        set_next_boundary(truth, now); /* the wall clock was set back */
    }
    int64_t left_ns = truth->next_boundary_realtime_ns - now.realtime_ns;
    pthread_mutex_unlock(&truth->lock);
    return now.monotonic_ns + left_ns;
}

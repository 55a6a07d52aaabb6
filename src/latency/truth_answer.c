#include "latency/truth_answer.h"

#include "base/reserve.h"
#include "latency/truth_state.h"

#include <errno.h>
#include <stdlib.h>

#define SCRATCH_BYTES (SKETCH_BINS * sizeof(uint64_t))

struct ready_slot {
    struct truth_figures figures[TRUTH_FIGURES];
    uint64_t buckets[TRUTH_BOUNDS + 1];
};

struct truth_answer {
    struct truth *truth; /* not owned */
    struct truth_question question;
    struct truth_period period;
    uint64_t *scratch; /* one sketch, empty between two uses; owned */
    /* Since start: everything is worked out at once, because it changes. All slots, then total. */
    struct ready_slot *ready; /* owned; NULL for a window */
    /* A window: each held; they do not change. */
    struct truth_slice *slices[TRUTH_SLICES];
    unsigned slice_count;
    uint32_t *series; /* as they were when it was asked; owned */
    unsigned former_slot;
};

/* One figure being summed up. */
struct gathered {
    struct truth_sums sums;
    struct sketch_range range;
};

void truth_figures_read(const uint64_t *bins, struct sketch_range range,
                        const struct truth_sums *sums, const struct truth_question *question,
                        struct truth_figures *ret_figures)
{
    *ret_figures = (struct truth_figures){
        .count = sums->count,
        .sum_ns = sums->sum_ns,
        .min_ns = sums->min_ns,
        .max_ns = sums->max_ns,
    };
    if (sums->count == 0) {
        return;
    }
    uint64_t ranks[TRUTH_MAX_QUANTILES];
    for (unsigned i = 0; i < question->quantile_count; i++) {
        ranks[i] = sketch_rank(question->quantiles[i], sums->count);
    }
    sketch_at_ranks(bins, range, ranks, question->quantile_count, ret_figures->quantiles_ns);
    for (unsigned i = 0; i < question->quantile_count; i++) {
        int64_t *ns = &ret_figures->quantiles_ns[i];
        bool first = ranks[i] == 1, last = ranks[i] == sums->count;
        *ns = first || *ns < sums->min_ns ? sums->min_ns : *ns;
        *ns = last || *ns > sums->max_ns ? sums->max_ns : *ns;
    }
}

static void gather_ledger(const struct truth_ledger *ledger, uint64_t *scratch, unsigned slot,
                          unsigned figure, struct gathered *gathered)
{
    const struct truth_sums *sums = &ledger->slots[slot].figures[figure];
    struct sketch_range range = truth_sums_range(sums);
    for (uint32_t bin = range.first; bin <= range.last; bin++) {
        scratch[bin] += ledger->bins[slot][figure][bin];
    }
    truth_sums_merge(&gathered->sums, sums);
    gathered->range = truth_sums_range(&gathered->sums);
}

/* The slots that are meant: `slot`, or all. */
struct slot_range {
    uint32_t first, last;
};

static struct slot_range slots_of(const struct truth_answer *answer, uint32_t slot)
{
    uint32_t count = answer->truth->slot_count;
    if (slot == TRUTH_ALL_SLOTS) {
        return (struct slot_range){0, count - 1};
    }
    ASSERT(slot < count);
    return (struct slot_range){slot, slot};
}

/* Where what is in a slice is counted: in its slot, or, when that was restarted since, elsewhere.
 */
static uint32_t slot_now(const struct truth_answer *answer, const struct truth_slice_slot *from)
{
    return from->series == answer->series[from->slot] ? from->slot : answer->former_slot;
}

static bool is_meant(const struct truth_answer *answer, const struct truth_slice_slot *from,
                     uint32_t slot)
{
    return slot == TRUTH_ALL_SLOTS || slot_now(answer, from) == slot;
}

static void gather_slice(struct truth_answer *answer, const struct truth_slice *slice,
                         uint32_t slot, unsigned figure, struct gathered *gathered)
{
    for (unsigned i = 0; i < slice->slot_count; i++) {
        const struct truth_slice_slot *from = &slice->slots[i];
        if (is_meant(answer, from, slot)) {
            struct span packed = {slice->packed + from->packed_offset[figure],
                                  from->packed_bytes[figure]};
            truth_sums_merge(&gathered->sums, &from->sums.figures[figure]);
            sketch_add_packed(packed, answer->scratch, &gathered->range);
        }
    }
}

static void gather(struct truth_answer *answer, uint32_t slot, unsigned figure,
                   struct gathered *gathered)
{
    if (answer->ready != NULL) {
        struct slot_range slots = slots_of(answer, slot);
        for (uint32_t i = slots.first; i <= slots.last; i++) {
            gather_ledger(&answer->truth->total, answer->scratch, i, figure, gathered);
        }
    }
    for (unsigned i = 0; i < answer->slice_count; i++) {
        gather_slice(answer, answer->slices[i], slot, figure, gathered);
    }
}

/* Reads the quantiles off the scratch sketch, and empties it. */
static void finish_figures(struct truth_answer *answer, const struct gathered *gathered,
                           struct truth_figures *ret_figures)
{
    truth_figures_read(answer->scratch, gathered->range, &gathered->sums, &answer->question,
                       ret_figures);
    for (uint32_t bin = gathered->range.first; bin <= gathered->range.last; bin++) {
        answer->scratch[bin] = 0;
    }
}

static void sum_up_figures(struct truth_answer *answer, uint32_t slot, enum truth_figure figure,
                           struct truth_figures *ret_figures)
{
    struct gathered gathered = {.range = SKETCH_RANGE_EMPTY};
    gather(answer, slot, figure, &gathered);
    finish_figures(answer, &gathered, ret_figures);
}

static void add_buckets(const uint64_t *buckets, uint64_t *ret_buckets)
{
    for (unsigned bucket = 0; bucket <= TRUTH_BOUNDS; bucket++) {
        ret_buckets[bucket] += buckets[bucket];
    }
}

static void sum_up_buckets(const struct truth_answer *answer, uint32_t slot,
                           uint64_t ret_buckets[TRUTH_BOUNDS + 1])
{
    memset(ret_buckets, 0, (TRUTH_BOUNDS + 1) * sizeof ret_buckets[0]);
    if (answer->ready != NULL) {
        struct slot_range slots = slots_of(answer, slot);
        for (uint32_t i = slots.first; i <= slots.last; i++) {
            add_buckets(answer->truth->total.slots[i].buckets, ret_buckets);
        }
    }
    for (unsigned i = 0; i < answer->slice_count; i++) {
        const struct truth_slice *slice = answer->slices[i];
        for (unsigned k = 0; k < slice->slot_count; k++) {
            if (is_meant(answer, &slice->slots[k], slot)) {
                add_buckets(slice->slots[k].sums.buckets, ret_buckets);
            }
        }
    }
    for (unsigned bucket = 1; bucket <= TRUTH_BOUNDS; bucket++) {
        ret_buckets[bucket] += ret_buckets[bucket - 1];
    }
}

/* Where in `ready` a slot is; all of them together come last. */
static struct ready_slot *ready_slot(const struct truth_answer *answer, uint32_t slot)
{
    return &answer->ready[slot == TRUTH_ALL_SLOTS ? answer->truth->slot_count : slot];
}

static void answer_since_start_locked(struct truth_answer *answer, struct truth_time now)
{
    struct truth *truth = answer->truth;
    truth_cut_locked(truth);
    answer->period = (struct truth_period){truth->started, now, true};
    for (unsigned i = 0; i <= truth->slot_count; i++) {
        uint32_t slot = i < truth->slot_count ? i : TRUTH_ALL_SLOTS;
        struct ready_slot *ready = ready_slot(answer, slot);
        for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
            sum_up_figures(answer, slot, figure, &ready->figures[figure]);
        }
        sum_up_buckets(answer, slot, ready->buckets);
    }
}

static void hold_window_locked(struct truth_answer *answer)
{
    struct truth *truth = answer->truth;
    unsigned asked = answer->question.slices;
    unsigned count = asked < truth->slice_count ? asked : truth->slice_count;
    for (unsigned i = 0; i < count; i++) {
        answer->slices[i] = truth->slices[truth->slice_count - count + i];
        answer->slices[i]->references++;
    }
    answer->slice_count = count;
    answer->period = (struct truth_period){
        .from = count > 0 ? answer->slices[0]->from : truth->open_from,
        .to = truth->open_from,
        .whole = count == asked,
    };
}

int truth_ask(struct truth *truth, const struct truth_question *question, struct truth_time now,
              struct truth_answer **ret_answer)
{
    ASSERT(question->quantile_count <= TRUTH_MAX_QUANTILES && question->slices <= TRUTH_SLICES);
    struct truth_answer *answer = calloc(1, sizeof *answer);
    if (answer == NULL) {
        return -ENOMEM;
    }
    answer->truth = truth;
    answer->question = *question;
    answer->scratch = reserve_memory(SCRATCH_BYTES);
    if (question->slices == 0) {
        answer->ready = calloc(truth->slot_count + 1, sizeof *answer->ready);
    }
    answer->series = calloc(truth->slot_count, sizeof *answer->series);
    if (answer->scratch == NULL || answer->series == NULL ||
        (question->slices == 0 && answer->ready == NULL)) {
        truth_answer_free(answer);
        return -ENOMEM;
    }
    pthread_mutex_lock(&truth->lock);
    memcpy(answer->series, truth->series, truth->slot_count * sizeof *answer->series);
    answer->former_slot = truth->former_slot;
    if (question->slices == 0) {
        answer_since_start_locked(answer, now);
    } else {
        hold_window_locked(answer);
    }
    pthread_mutex_unlock(&truth->lock);
    *ret_answer = answer;
    return 0;
}

struct truth_period truth_answer_period(const struct truth_answer *answer)
{
    return answer->period;
}

void truth_answer_figures(struct truth_answer *answer, uint32_t slot, enum truth_figure figure,
                          struct truth_figures *ret_figures)
{
    if (answer->ready != NULL) {
        *ret_figures = ready_slot(answer, slot)->figures[figure];
    } else {
        sum_up_figures(answer, slot, figure, ret_figures);
    }
}

uint64_t truth_answer_count(const struct truth_answer *answer, uint32_t slot)
{
    uint64_t buckets[TRUTH_BOUNDS + 1];
    truth_answer_buckets(answer, slot, buckets);
    return buckets[TRUTH_BOUNDS];
}

void truth_answer_buckets(const struct truth_answer *answer, uint32_t slot,
                          uint64_t ret_buckets[TRUTH_BOUNDS + 1])
{
    if (answer->ready != NULL) {
        memcpy(ret_buckets, ready_slot(answer, slot)->buckets,
               (TRUTH_BOUNDS + 1) * sizeof ret_buckets[0]);
    } else {
        sum_up_buckets(answer, slot, ret_buckets);
    }
}

void truth_answer_free(struct truth_answer *answer)
{
    if (answer == NULL) {
        return;
    }
    pthread_mutex_lock(&answer->truth->lock);
    for (unsigned i = 0; i < answer->slice_count; i++) {
        truth_slice_release_locked(answer->slices[i]);
    }
    pthread_mutex_unlock(&answer->truth->lock);
    if (answer->scratch != NULL) {
        reserve_free(answer->scratch, SCRATCH_BYTES);
    }
    free(answer->ready);
    free(answer->series);
    free(answer);
}

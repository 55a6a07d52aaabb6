#include "latency/truth_series.h"

#include "base/reserve.h"
#include "latency/truth_state.h"

#include <math.h>
#include <stdlib.h>

#define SKETCH_BYTES (SKETCH_BINS * sizeof(uint64_t))
/* Of a step's sketch, packed: a step with more, of 20,000 different bins, is not in the window. */
#define PACKED_BYTES ((size_t)65536)

/* Of one slot in one step, or in several together. */
struct step_sums {
    struct truth_sums served;
    struct truth_overshoot overshoot;
};

struct window_step {
    struct step_sums sums;
    size_t packed_bytes; /* of the sketch of what was served */
};

struct series_slot {
    uint32_t series;             /* the slot's, that `seen` and what follows is of */
    struct truth_slot_sums seen; /* of the ledger, at the last step */
    struct truth_figures total;
    struct step_sums step;
    struct window_step window[TRUTH_WINDOW_STEPS];
    bool coarse_used;
    uint64_t coarse[TRUTH_COARSE_BINS];
    uint64_t seen_bins[SKETCH_BINS];   /* the ledger's, of what was served */
    uint64_t window_bins[SKETCH_BINS]; /* of the steps in the window */
    char packed[TRUTH_WINDOW_STEPS][PACKED_BYTES];
};

struct truth_series {
    struct truth *truth; /* not owned */
    struct truth_question question;
    unsigned slot_count;
    unsigned next_step;          /* its place in the windows */
    uint64_t *step_bins;         /* owned: one sketch, empty between two uses */
    struct series_slot *slots[]; /* owned, from reserve_memory(); NULL until it is needed */
};

static void free_slot(struct series_slot *slot)
{
    reserve_free(slot, sizeof *slot);
}

void truth_series_free(struct truth_series *series)
{
    if (series == NULL) {
        return;
    }
    for (unsigned i = 0; i < series->slot_count; i++) {
        free_slot(series->slots[i]);
    }
    reserve_free(series->step_bins, SKETCH_BYTES);
    free(series);
}

struct truth_series *truth_series_new(struct truth *truth, const struct truth_question *question)
{
    struct truth_series *series =
        calloc(1, sizeof *series + truth->slot_count * sizeof(struct series_slot *));
    if (series == NULL) {
        return NULL;
    }
    series->truth = truth;
    series->question = *question;
    series->slot_count = truth->slot_count;
    series->step_bins = reserve_memory(SKETCH_BYTES);
    if (series->step_bins == NULL) {
        truth_series_free(series);
        return NULL;
    }
    return series;
}

static struct series_slot *new_slot(uint32_t number_of_series)
{
    struct series_slot *slot = reserve_memory(sizeof *slot);
    if (slot != NULL) {
        slot->series = number_of_series;
    }
    return slot;
}

/* Takes the oldest step off the window, whose place the next one gets. */
static void drop_oldest(struct series_slot *slot, unsigned place)
{
    struct window_step *oldest = &slot->window[place];
    sketch_remove_packed(span_of(slot->packed[place], oldest->packed_bytes), slot->window_bins);
    *oldest = (struct window_step){0};
    if (slot->coarse_used) {
        memset(slot->coarse, 0, sizeof slot->coarse);
        slot->coarse_used = false;
    }
}

static void subtract(struct step_sums *sums, const struct truth_slot_sums *now,
                     const struct truth_slot_sums *before)
{
    truth_sum more[TRUTH_FIGURES];
    for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
        more[figure] = now->figures[figure].sum_ns - before->figures[figure].sum_ns;
    }
    *sums = (struct step_sums){
        .served = {.count = now->figures[TRUTH_SERVED].count - before->figures[TRUTH_SERVED].count,
                   .sum_ns = more[TRUTH_SERVED]},
        .overshoot = {.count = now->figures[TRUTH_DRAWN].count - before->figures[TRUTH_DRAWN].count,
                      .sum_ns = (__int128)more[TRUTH_WAITED] - (__int128)more[TRUTH_DRAWN]},
    };
}

/* What the ledger has more than at the last step, as the step's sketch. Returns where it is. */
static struct sketch_range take_bins(struct truth_series *series, struct series_slot *slot,
                                     const uint64_t *bins, struct sketch_range range)
{
    struct sketch_range step = SKETCH_RANGE_EMPTY;
    for (uint32_t bin = range.first; bin <= range.last; bin++) {
        uint64_t more = bins[bin] - slot->seen_bins[bin];
        if (more == 0) {
            continue;
        }
        slot->seen_bins[bin] = bins[bin];
        slot->coarse[bin >> TRUTH_COARSE_SHIFT] += more;
        series->step_bins[bin] = more;
        step.first = bin < step.first ? bin : step.first;
        step.last = bin;
    }
    slot->coarse_used = true;
    return step;
}

static void add_to_window(struct truth_series *series, struct series_slot *slot,
                          struct sketch_range range)
{
    struct window_step *step = &slot->window[series->next_step];
    struct buffer packed = buffer_over(slot->packed[series->next_step], PACKED_BYTES);
    sketch_pack(series->step_bins, range, &packed);
    if (!packed.overflowed) {
        step->packed_bytes = packed.length;
        step->sums = slot->step;
    }
    for (uint32_t bin = range.first; bin <= range.last; bin++) {
        slot->window_bins[bin] += packed.overflowed ? 0 : series->step_bins[bin];
        series->step_bins[bin] = 0;
    }
}

static void step_slot(struct truth_series *series, unsigned number, struct series_slot *slot)
{
    const struct truth_ledger *ledger = &series->truth->total;
    const struct truth_slot_sums *now = &ledger->slots[number];
    const uint64_t *bins = ledger->bins[number][TRUTH_SERVED];
    drop_oldest(slot, series->next_step);
    subtract(&slot->step, now, &slot->seen);
    slot->seen = *now;
    if (slot->step.served.count == 0) {
        return; /* whatever was drawn was served with it */
    }
    const struct truth_sums *served = &now->figures[TRUTH_SERVED];
    struct sketch_range range = take_bins(series, slot, bins, truth_sums_range(served));
    /* The ledger knows the extremes since start; those of a step are its bins'. */
    slot->step.served.min_ns = sketch_middle_ns(range.first);
    slot->step.served.max_ns = sketch_middle_ns(range.last);
    truth_figures_read(bins, truth_sums_range(served), served, &series->question, &slot->total);
    add_to_window(series, slot, range);
}

void truth_series_step(struct truth_series *series)
{
    struct truth *truth = series->truth;
    pthread_mutex_lock(&truth->lock);
    truth_cut_locked(truth);
    for (unsigned i = 0; i < series->slot_count; i++) {
        struct series_slot *slot = series->slots[i];
        if (slot != NULL && slot->series != truth->series[i]) {
            free_slot(slot); /* the slot is for something else now */
            slot = NULL;
        }
        bool any = truth->total.slots[i].figures[TRUTH_SERVED].count > 0;
        if (slot == NULL && any) {
            slot = new_slot(truth->series[i]);
        }
        series->slots[i] = slot;
        if (slot != NULL) {
            step_slot(series, i, slot);
        }
    }
    pthread_mutex_unlock(&truth->lock);
    series->next_step = (series->next_step + 1) % TRUTH_WINDOW_STEPS;
}

bool truth_series_look(const struct truth_series *series, unsigned number,
                       struct truth_step *ret_step)
{
    ASSERT(number < series->slot_count);
    const struct series_slot *slot = series->slots[number];
    if (slot == NULL) {
        return false;
    }
    *ret_step = (struct truth_step){
        .count = slot->step.served.count,
        .coarse = slot->coarse,
        .overshoot = slot->step.overshoot,
        .total = slot->total,
    };
    struct truth_sums sums = {0};
    for (unsigned i = 0; i < TRUTH_WINDOW_STEPS; i++) {
        const struct step_sums *step = &slot->window[i].sums;
        truth_sums_merge(&sums, &step->served);
        ret_step->window_overshoot.count += step->overshoot.count;
        ret_step->window_overshoot.sum_ns += step->overshoot.sum_ns;
    }
    truth_figures_read(slot->window_bins, truth_sums_range(&sums), &sums, &series->question,
                       &ret_step->window);
    uint64_t sum = 0;
    for (unsigned i = 0; i <= TRUTH_BOUNDS; i++) {
        sum += slot->seen.buckets[i];
        ret_step->buckets[i] = sum;
    }
    return true;
}

double truth_coarse_bound_ns(uint32_t bin, unsigned bits)
{
    ASSERT(bits <= SKETCH_BITS);
    uint32_t fine = bin << (SKETCH_BITS - bits);
    ASSERT(fine <= SKETCH_BINS);
    uint32_t of_octave = 1U << SKETCH_BITS;
    if (fine < 2 * of_octave) {
        return fine;
    }
    unsigned shift = (fine >> SKETCH_BITS) - 1;
    return ldexp(of_octave + (fine & (of_octave - 1)), (int)shift);
}

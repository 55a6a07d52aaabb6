/*
 * Answers from the ground truth: figures that belong together, of one moment or of one window.
 */
#pragma once

#include "base/quantity.h"
#include "latency/truth.h"

#define TRUTH_ALL_SLOTS UINT32_MAX

struct truth_question {
    unsigned slices; /* the last so many; 0: since start */
    unsigned quantile_count;
    struct decimal quantiles[TRUTH_MAX_QUANTILES]; /* from 0 to 1 */
};

struct truth_figures {
    uint64_t count;
    /* Of them: */
    unsigned __int128 sum_ns;
    int64_t min_ns, max_ns;                    /* 0 without any */
    int64_t quantiles_ns[TRUTH_MAX_QUANTILES]; /* in the question's order; 0 without any */
};

struct truth_answer;

/* What an answer is about. */
struct truth_period {
    struct truth_time from, to;
    bool whole; /* as many slices as were asked for */
};

/*
 * Makes a cut, where it is about all since start, or takes hold of the window's slices. The answer
 * is the caller's. Takes time with slots and workers, not with the size of the window. -ENOMEM.
 */
WARN_UNUSED int truth_ask(struct truth *truth, const struct truth_question *question,
                          struct truth_time now, struct truth_answer **ret_answer);

struct truth_period truth_answer_period(const struct truth_answer *answer);

/*
 * A figure of one slot or of TRUTH_ALL_SLOTS together. Takes up to a millisecond for a slot of a
 * long window. One thread at a time for each answer.
 */
void truth_answer_figures(struct truth_answer *answer, uint32_t slot, enum truth_figure figure,
                          struct truth_figures *ret_figures);

/* How many requests were served: quicker than the figures. */
uint64_t truth_answer_count(const struct truth_answer *answer, uint32_t slot);

/* How many requests were served within each bound, cumulative; the last one is +Inf. */
void truth_answer_buckets(const struct truth_answer *answer, uint32_t slot,
                          uint64_t ret_buckets[TRUTH_BOUNDS + 1]);

/* NULL is allowed. */
void truth_answer_free(struct truth_answer *answer);

/*
 * Laws of delay: what `uniform(0s,2s)` means. A law is parsed once, immutable afterwards, and its
 * cdf, quantiles and mean are exact (to a double's precision), because others are judged by them.
 *
 * `max_delay` bounds every law. A bounded law that reaches beyond it is refused; a law with tails
 * is conditioned on 0 <= x <= max_delay, and refused with less than 99 % of its mass inside; cdf,
 * quantiles and mean are those of the conditioned law. Nothing is clamped silently.
 *
 * All functions but parsing are pure, allocate nothing and may be called by any thread.
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/parse_error.h"
#include "base/random.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define LAW_TEXT_MAX_BYTES 1024
#define LAW_DEPTH_MAX 4  /* mix inside mix */
#define LAW_PARTS_MAX 16 /* of one mix */
#define LAW_TOTAL_PARTS_MAX 64
#define LAW_MINIMUM_MASS 0.99 /* of a law with tails, inside 0 to max_delay */

/* The highest max_delay that is allowed: up to it, a double holds every nanosecond exactly. */
#define LAW_MAX_DELAY_LIMIT_NS (INT64_C(86400) * 1000000000)

struct law;

struct law_limits {
    int64_t max_delay_ns; /* 0 to LAW_MAX_DELAY_LIMIT_NS */
    bool files_allowed;   /* `file(PATH)`: for the operator's own laws, never for a request's */
    /*
     * A law of sizes: quantities are bytes, `uniform(1KiB,64KiB)`, and a size alone, `4KiB`, is
     * `const(4KiB)`. What is called nanoseconds here is bytes then, with max_delay_ns the largest.
     */
    bool sizes;
};

/*
 * Reads the whole text, e.g. `uniform(0s,2s)`; spaces are allowed around arguments. The caller
 * owns the law and gives it to law_free(). -EINVAL with `error` (may be NULL) saying what was
 * expected at which character or why the law is refused; -ENOMEM. Safe on hostile text: time,
 * memory and depth are bounded by the limits above.
 */
int law_parse(struct span text, const struct law_limits *limits, struct law **ret_law,
              struct parse_error *error) WARN_UNUSED;

/* One more owner, who calls law_free() too; returns the law. Any thread. NULL is allowed. */
struct law *law_hold(struct law *law);

/* The last owner's call frees it. NULL is allowed. */
void law_free(struct law *law);

/* Whether both draw the same from the same bits: their texts, and the tables they read, are equal.
 */
bool law_equals(const struct law *law, const struct law *other);

/* Canonical: without spaces, durations as buffer_append_duration writes them; parses back equal. */
void buffer_append_law(struct buffer *buffer, const struct law *law);

/* No delay at all: `none`. (`const(0s)` is a delay of zero.) */
bool law_is_none(const struct law *law);

/* False when every draw is the same, so that no ordinal needs to be taken. */
bool law_draws(const struct law *law);

/*
 * The delay for `unit` in (0, 1), rounded to the nearest nanosecond; for every law but `mix` it is
 * the quantile of `unit`. Always within 0 to max_delay.
 */
int64_t law_sample_ns(const struct law *law, double unit);

/* P(X <= x). */
double law_cdf(const struct law *law, double x_ns);

/* The smallest x with cdf(x) >= q, for q in [0, 1]; for 0 and 1 the ends of the support. */
double law_quantile_ns(const struct law *law, double q);

double law_mean_ns(const struct law *law);

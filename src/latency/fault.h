/*
 * Faults as people write them: how often a request is answered with an error and which one, how
 * often its connection is reset and where. A probability is a decimal from 0 to 1 and is met
 * exactly, as far as 2^-52 reaches: no rounding to one in n.
 *
 * Texts, as in flags: errors `PROBABILITY[:CODE[:WEIGHT],...]`, `0.1:500:1,503:3`; without a code
 * it is 500, without a weight 1. Aborts `PROBABILITY[:before|head|body]`; without a place `before`.
 *
 * Pure functions; any thread. Parsers return 0 or -EINVAL with `error` (may be NULL) filled, and
 * are safe on hostile text.
 */
#pragma once

#include "base/buffer.h"
#include "base/parse_error.h"
#include "base/quantity.h"
#include "latency/outcome.h"

#include <stdbool.h>

#define FAULT_MAX_CODES 16
#define FAULT_DEFAULT_CODE 500

struct fault_code {
    uint16_t status; /* 400 to 599, but not 444 and 499, which are never sent */
    struct decimal weight;
    double up_to; /* the weights up to this one, of all of them */
};

/* All zero: never. */
struct fault_errors {
    struct decimal probability;
    unsigned code_count;
    struct fault_code codes[FAULT_MAX_CODES];
};

/* All zero: never. */
struct fault_abort {
    struct decimal probability;
    uint8_t place; /* enum outcome_abort */
};

int fault_probability_parse(struct span text, struct decimal *ret_probability,
                            struct parse_error *error) WARN_UNUSED;

int fault_errors_parse(struct span text, struct fault_errors *ret_errors,
                       struct parse_error *error) WARN_UNUSED;

/* Appends a code with its weight (empty: 1), for errors that are put together piece by piece. */
int fault_errors_add(struct fault_errors *errors, struct span code, struct span weight,
                     struct parse_error *error) WARN_UNUSED;

/* Behind the last code: without one, the default; works out the weights. */
void fault_errors_finish(struct fault_errors *errors);

int fault_abort_parse(struct span text, struct fault_abort *ret_abort,
                      struct parse_error *error) WARN_UNUSED;

int fault_place_parse(struct span text, uint8_t *ret_place, struct parse_error *error) WARN_UNUSED;

/* Canonical; read back equal. Never: `0`. */
void buffer_append_errors(struct buffer *buffer, const struct fault_errors *errors);
void buffer_append_abort(struct buffer *buffer, const struct fault_abort *abort);

/* Whether something with this probability happens, for `unit` in (0, 1). */
static inline bool fault_happens(struct decimal probability, double unit)
{
    return unit < decimal_value(probability);
}

/* The status for `unit` in (0, 1), by weight. There must be a code. */
uint16_t fault_errors_status(const struct fault_errors *errors, double unit);

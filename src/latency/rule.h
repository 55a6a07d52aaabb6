/*
 * A rule: which requests it is for, and what happens to them. What happens to the request with
 * ordinal n is a pure function of the seed, the rule's number and n, whichever worker asks.
 *
 * What a rule does not say does not happen: without `delay` nothing is delayed.
 */
#pragma once

#include "base/compiler.h"
#include "http/request.h"
#include "latency/draw.h"
#include "latency/fault.h"
#include "latency/law.h"
#include "latency/outcome.h"

#include <stdatomic.h>
#include <stdint.h>

#define RULE_PATTERN_MAX_BYTES 127
#define RULE_MAX_FIELDS 4
#define RULE_NAME_BYTES 48
#define RULE_TEXT_MAX_BYTES 16384 /* of buffer_append_rule() */

/* A text that must be equal, or, with `*` at its end when written, the beginning. */
struct rule_pattern {
    char text[RULE_PATTERN_MAX_BYTES + 1]; /* without the `*`, NUL-terminated */
    uint8_t length;
    bool prefix;
};

/* A field of the request: the first of that name, compared without regard to the name's case. */
struct rule_field {
    struct rule_pattern name; /* never a prefix */
    struct rule_pattern value;
};

/* A rule as it is written. All zero but for `share` and the laws takes every request. */
struct rule_definition {
    char name[RULE_NAME_BYTES]; /* where it is written: `rules[0]`; `default` for that of flags */
    uint32_t number;            /* of its random bits; DRAW_DEFAULT_RULE for that of flags */
    struct rule_pattern route;  /* of the path */
    unsigned methods;           /* set of METHOD_BIT; 0: any */
    unsigned field_count;
    struct rule_field fields[RULE_MAX_FIELDS]; /* all must match */
    struct decimal share; /* of the requests it is for; the others go on to the next rule */
    struct law *delay;    /* owned; never NULL */
    struct law *size;     /* owned; NULL: the route's own */
    struct fault_errors errors;
    struct fault_abort abort;
    int64_t drip_ns;
    uint64_t bytes_per_second; /* 0: no limit */
    int64_t burn_ns;
};

/* False when the text is too long. */
bool rule_pattern_set(struct rule_pattern *pattern, struct span text, bool may_be_prefix);

/* As it was written, what is not printable escaped. */
void rule_pattern_append(const struct rule_pattern *pattern, struct buffer *buffer);

static inline bool rule_pattern_matches(const struct rule_pattern *pattern, struct span text)
{
    return (pattern->prefix ? text.length >= pattern->length : text.length == pattern->length) &&
           memcmp(text.data, pattern->text, pattern->length) == 0;
}

/* The rule of the options for `/`, all zero but for a law, which it holds too. */
void rule_definition_of_index(struct rule_definition *definition, struct law *law);

/* Gives the laws back; all zero is allowed. */
void rule_definition_clear(struct rule_definition *definition);

/* A copy that owns the laws too. */
void rule_definition_copy(struct rule_definition *copy, const struct rule_definition *definition);

/* Whether both mean the same and draw the same; names and shares do not matter. */
bool rule_definition_equals(const struct rule_definition *definition,
                            const struct rule_definition *other);

/* Canonical, one line, without name and share: `/a* GET,POST x-a=b delay=none errors=0.1:500:1`. */
void buffer_append_rule(struct buffer *buffer, const struct rule_definition *definition);

struct rule {
    struct outcome fixed; /* what needs no draw */
    uint64_t seed_key;
    bool draws; /* some of it needs one, and so an ordinal */
    struct rule_definition definition;
    unsigned owners; /* the rule book's, under its lock */
    /* A cache line of its own: the one thing that all workers write. */
    CACHE_ALIGNED _Atomic uint64_t next_ordinal;
};

#define RULE_NO_DELAY OUTCOME_NO_DELAY

/* `slot` is that of the truth. The rule owns the definition's laws from here on. */
void rule_init(struct rule *rule, const struct rule_definition *definition, uint64_t seed_key,
               uint32_t slot);

/* What is to happen to the request with this ordinal. Pure. */
void rule_draw_at(const struct rule *rule, uint64_t ordinal, struct outcome *ret_outcome);

static inline uint64_t rule_take_ordinal(struct rule *rule)
{
    return atomic_fetch_add_explicit(&rule->next_ordinal, 1, memory_order_relaxed);
}

/* What is to happen to one more request. Any thread. */
static inline void rule_draw(struct rule *rule, struct outcome *ret_outcome)
{
    if (LIKELY(!rule->draws)) {
        *ret_outcome = rule->fixed;
    } else {
        rule_draw_at(rule, rule_take_ordinal(rule), ret_outcome);
    }
}

/* Whether the rule is for this request, its share aside. Pure. */
bool rule_matches(const struct rule_definition *definition, const struct request *request);

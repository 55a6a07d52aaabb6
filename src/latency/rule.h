/*
 * A rule: which law a route's delays are drawn from, and the ordinal of the next draw. Draw n of a
 * rule is a pure function of the seed, the rule's number and n, whichever worker makes it.
 */
#pragma once

#include "base/compiler.h"
#include "http/access_record.h"
#include "latency/draw.h"
#include "latency/law.h"

#include <stdatomic.h>
#include <stdint.h>

struct rule {
    const struct law *law; /* not owned */
    uint64_t seed_key;
    uint32_t number; /* DRAW_DEFAULT_RULE for the one that the flags make */
    bool draws;      /* law_draws(law) */
    /* A cache line of its own: the one thing that all workers write. */
    CACHE_ALIGNED _Atomic uint64_t next_ordinal;
};

struct rule_delay {
    int64_t delay_ns; /* RULE_NO_DELAY when the law is `none` */
    uint64_t ordinal; /* 0 when nothing needed to be drawn */
};

#define RULE_NO_DELAY ACCESS_DELAY_NONE

/* The law must outlive the rule. */
void rule_init(struct rule *rule, const struct law *law, uint64_t seed_key, uint32_t number);

/* The delay of one more request. Any thread. */
static inline struct rule_delay rule_draw(struct rule *rule)
{
    if (!rule->draws) {
        bool none = law_is_none(rule->law);
        return (struct rule_delay){.delay_ns =
                                       none ? RULE_NO_DELAY : law_sample_ns(rule->law, 0.5)};
    }
    uint64_t ordinal = atomic_fetch_add_explicit(&rule->next_ordinal, 1, memory_order_relaxed);
    return (struct rule_delay){
        .delay_ns = draw_delay_ns(rule->law, rule->seed_key, ordinal, rule->number),
        .ordinal = ordinal,
    };
}

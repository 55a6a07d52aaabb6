/*
 * Which random bits a request gets: the same for the server and for `httpserver draw`.
 */
#pragma once

#include "base/random.h"
#include "latency/law.h"

/* What a draw of a rule is for; each has bits of its own. Never renumber: seeds would change. */
enum draw_purpose {
    DRAW_DELAY = 0,
    DRAW_ERROR = 1, /* whether */
    DRAW_CODE = 2,  /* which */
    DRAW_ABORT = 3, /* whether */
    DRAW_SIZE = 4,
    DRAW_SHARE = 5, /* whether the rule takes the request */
};

/* The rule of `/` made by the flags. */
#define DRAW_DEFAULT_RULE 0

/* What requests ask for themselves: no rule has this number. Its ordinals count such requests. */
#define DRAW_REQUEST_RULE UINT32_MAX

/* The delay of the request with this ordinal (the first is 0) under `rule`. Any thread. */
static inline int64_t draw_delay_ns(const struct law *law, uint64_t seed_key, uint64_t ordinal,
                                    uint32_t rule)
{
    return law_sample_ns(law, random_unit(random_draw(seed_key, ordinal, rule, DRAW_DELAY)));
}

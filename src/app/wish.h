/*
 * What a request asks for itself: `?delay=exp(100ms)&status=503`, the same as fields (`x-delay:`,
 * `x-status:`), or in the path of a route made for it (`/delay/1s`). Strict: what is malformed,
 * asked for twice or beyond its limit is refused with one line that names it, never clamped.
 * Parameters and fields of other names are not looked at.
 */
#pragma once

#include "app/wish_laws.h"
#include "base/compiler.h"
#include "base/parse_error.h"
#include "http/request.h"
#include "latency/outcome.h"

#include <stdbool.h>

#define WISH_MAX_CODES 16
#define WISH_VALUE_MAX_BYTES LAW_TEXT_MAX_BYTES
#define WISH_MIN_BYTES_PER_SECOND 1024

enum wish_kind {
    WISH_DELAY,     /* a law, a duration, or seconds without a unit as httpbin has them */
    WISH_STATUS,    /* CODE[:WEIGHT],... */
    WISH_SIZE,      /* a size or a law of sizes */
    WISH_DRIP,      /* a duration */
    WISH_BANDWIDTH, /* a size: bytes a second */
    WISH_ABORT,     /* before, head or body */
    WISH_BURN,      /* a duration */
    WISH_KINDS
};

struct wish_limits {
    int64_t max_delay_ns; /* of `drip` too */
    uint64_t max_size;
    int64_t max_burn_ns;
};

struct wish_code {
    uint16_t status;
    double up_to; /* the weights up to this one */
};

struct wish {
    unsigned asked; /* set of 1 << enum wish_kind */
    unsigned taken; /* the same: parameters that the route has read itself */
    const struct law *delay;
    const struct law *size; /* NULL: `fixed` has it */
    unsigned code_count;
    struct wish_code codes[WISH_MAX_CODES];
    struct outcome fixed; /* what needs no draw */
};

static inline bool wish_has(const struct wish *wish, enum wish_kind kind)
{
    return (wish->asked & 1U << kind) != 0;
}

/* The name of the parameter; the field's is that with `x-` before it. */
struct span wish_name(enum wish_kind kind);

/* One more wish; `value` as it is meant. 0 or -EINVAL, -ENOMEM, with `error` filled. */
WARN_UNUSED int wish_add(struct wish *wish, enum wish_kind kind, struct span value,
                         const struct wish_limits *limits, struct wish_laws *laws,
                         struct parse_error *error);

/* What the query and the fields ask for. As wish_add(). */
WARN_UNUSED int wish_add_request(struct wish *wish, const struct request *request,
                                 const struct wish_limits *limits, struct wish_laws *laws,
                                 struct parse_error *error);

/* A duration, or a plain decimal of seconds; at most `max_ns`. 0 or -EINVAL. */
WARN_UNUSED int wish_parse_duration(struct span text, int64_t max_ns, int64_t *ret_ns,
                                    struct parse_error *error);

/* Whether an ordinal is needed. */
bool wish_draws(const struct wish *wish);

/* Changes an outcome by what was asked for; `ordinal` is of the wishes that draw. Pure. */
void wish_apply(const struct wish *wish, uint64_t seed_key, uint64_t ordinal,
                struct outcome *outcome);

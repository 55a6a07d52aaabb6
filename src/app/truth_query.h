/*
 * What a request for /truth asks: `window=60s&quantiles=0.5,0.999&scrapes=100`. Strict: what is not
 * known, repeated or out of its limits is refused with one line that says why. Pure; any thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/parse_error.h"
#include "latency/truth_answer.h"

#define TRUTH_QUERY_MAX_BYTES 512
#define TRUTH_QUERY_MAX_SCRAPES 1000
#define TRUTH_QUERY_DEFAULT_SCRAPES 20

struct truth_query {
    struct truth_question question; /* of `slices` slices; 0 is since start */
    unsigned scrapes;
};

/* The query of a target, without `?`. 0 or -EINVAL with `error` filled (offset is not). */
WARN_UNUSED int truth_query_parse(struct span query, struct truth_query *ret_query,
                                  struct parse_error *error);

/*
 * What a server says of itself at /truth (docs/truth.md). One thread at a time.
 */
#pragma once

#include "verify/answer.h"

#include <stdint.h>

#define TESTIMONY_MAX_BOUNDS 63
#define TESTIMONY_MAX_QUANTILES 16 /* of one question, as the server allows */
#define TESTIMONY_MAX_SCRAPES 1000

struct testimony {
    json_t *document; /* owned; all texts and arrays below are in it */
    const char *instance;
    const char *seed;
    const char *law;      /* of the only rule that has one; "" when there are several or none */
    json_t *law_expected; /* of that rule, else NULL */
    json_t *scrapes;      /* an array, the oldest first */
    double scrapes_total;
    double started, now, from, to; /* Unix seconds by the server's clock */
    bool whole_window;
    double clock_offset; /* the server's clock minus this machine's, in seconds */
    double clock_uncertainty;
    /* Of all measured requests in the window. */
    double count, min_seconds, max_seconds;
    size_t bound_count;
    double bounds[TESTIMONY_MAX_BOUNDS];
    double buckets[TESTIMONY_MAX_BOUNDS + 1]; /* cumulative, the last one for +Inf */
    size_t quantile_count;
    double ranks[TESTIMONY_MAX_QUANTILES];
    double quantiles[TESTIMONY_MAX_QUANTILES]; /* seconds; NaN without requests */
};

struct testimony_question {
    int64_t window_seconds;
    const double *ranks; /* TESTIMONY_MAX_QUANTILES at most; millionths, all different */
    size_t rank_count;
    unsigned scrapes; /* how many to list */
};

/*
 * Asks the server and reads its answer, which is given to testimony_free(). Negative errno with one
 * line in `error`: it could not be asked, or its answer is not as docs/truth.md says.
 */
int testimony_ask(const struct url *server, const struct http_client_limits *limits,
                  const struct testimony_question *question, struct testimony *ret_truth,
                  char error[HTTP_CLIENT_ERROR_BYTES]) WARN_UNUSED;

/* Reads an answer that is there: takes `document` over, also on failure. As testimony_ask(). */
int testimony_read(json_t *document, struct testimony *ret_truth,
                   char error[HTTP_CLIENT_ERROR_BYTES]) WARN_UNUSED;

void testimony_free(struct testimony *truth); /* a zeroed one is allowed */

/* Whether both are by the same process. */
bool testimony_same_server(const struct testimony *a, const struct testimony *b);

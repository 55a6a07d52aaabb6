/*
 * Content of any length at any pace, made while it is sent: text that was kept, letters, or random
 * bytes. What is going on lives in a slab of the worker, one for each connection at most, and takes
 * no other memory whatever its length.
 */
#pragma once

#include "base/compiler.h"
#include "base/slab.h"
#include "http/response.h"

#include <stdint.h>

enum content_kind {
    CONTENT_KEPT,    /* the exchange's `kept`, set by whoever starts this */
    CONTENT_LETTERS, /* a to z and a line feed, again and again */
    CONTENT_STARS,   /* as httpbin's drip */
    CONTENT_RANDOM,  /* of the seed: the same for the same */
};

struct content_plan {
    enum content_kind kind;
    uint64_t length; /* bytes; of CONTENT_KEPT, as it is */
    uint64_t seed;
    /* The content is spread evenly: the first byte comes 1/length of the time after the head, the
       last one at its end. Both may be given: the slower one counts. 0: at once. */
    int64_t drip_ns;
    uint64_t bytes_per_second;
};

struct contents {
    struct slab slab;
};

/* `capacity` is the number of connections. 0 or -ENOMEM. */
WARN_UNUSED int contents_init(struct contents *contents, uint32_t capacity);
void contents_destroy(struct contents *contents); /* all zero is allowed */

/* Finishes a response whose fields are written. */
void content_finish(struct contents *contents, struct response *response,
                    const struct content_plan *plan);

/* How many bytes may be sent so long after the start; `length` when all. Pure. */
uint64_t content_due_bytes(const struct content_plan *plan, int64_t elapsed_ns);

/* How long after the start `bytes` of them (1 to length) may have been sent. Pure. */
int64_t content_due_ns(const struct content_plan *plan, uint64_t bytes);

/*
 * What one head parses to, remembered: a head that is the same byte for byte is not parsed again.
 * Load generators, probes and scrapers send the same one for hours; of many that differ one in
 * HEAD_MEMO_PATIENCE is remembered, so that they cost hardly more than without a memory.
 * Belongs to one worker's thread.
 */
#pragma once

#include "base/compiler.h"
#include "http/request.h"

#define HEAD_MEMO_MAX_BYTES 512 /* longer heads are not remembered */
#define HEAD_MEMO_PATIENCE 16   /* heads in a row that are not it, the last of which replaces it */

/* All zero remembers none. */
struct head_memo {
    uint32_t length; /* of `text`; 0: none */
    uint32_t others; /* heads since the last one that was this */
    struct request request;
    char text[HEAD_MEMO_MAX_BYTES];
};

/*
 * The request of the head at the start of `input`, if it is the one remembered, and then its
 * length; NULL otherwise. Its spans point into the memo, until head_memo_note() is called.
 */
WARN_UNUSED static inline const struct request *
head_memo_recall(struct head_memo *memo, struct span input, size_t *ret_head_bytes)
{
    if (memo->length == 0 || input.length < memo->length ||
        memcmp(input.data, memo->text, memo->length) != 0) {
        return NULL;
    }
    memo->others = 0;
    *ret_head_bytes = memo->length;
    return &memo->request;
}

/*
 * Remembers a head that request_parse() understood under these limits, unless it is too long or has
 * credentials: how long an answer takes must not tell a stranger how near a guess at them is.
 */
void head_memo_remember(struct head_memo *memo, struct span head, const struct request *request,
                        const struct request_limits *limits);

/* A head that was parsed because it was not recalled. No span of a recalled one may be in use. */
static inline void head_memo_note(struct head_memo *memo, struct span head,
                                  const struct request *request,
                                  const struct request_limits *limits)
{
    if (++memo->others >= HEAD_MEMO_PATIENCE) {
        head_memo_remember(memo, head, request, limits);
    }
}

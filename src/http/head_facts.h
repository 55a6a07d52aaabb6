/*
 * What the fields of a head say that decides about framing and routing (RFC 9112, sections 3.2, 6
 * and 9.3), gathered while the fields go by and judged when all of them are known. Part of
 * request_parse(); pure functions, any thread.
 */
#pragma once

#include "base/compiler.h"
#include "http/request.h"

#include <stdbool.h>

struct head_facts {
    bool has_host;
    bool has_content_length;
    bool has_transfer_encoding;
    bool chunked_is_last;     /* of the transfer codings so far */
    bool chunked_is_repeated; /* or has another coding behind it */
    bool has_other_coding;
    bool wants_close;
    bool wants_keep_alive;
    size_t connection_bytes;
};

/*
 * Whether a field may be one that head_facts_take() looks at, by its length and first letter:
 * nearly all others are told apart by that.
 */
static inline bool head_facts_may_need(struct span name)
{
    const uint32_t lengths =
        1U << 4 | 1U << 6 | 1U << 7 | 1U << 8 | 1U << 10 | 1U << 11 | 1U << 14 | 1U << 17;
    const uint32_t letters = 1U << ('h' & 31) | 1U << ('e' & 31) | 1U << ('c' & 31) |
                             1U << ('t' & 31) | 1U << ('x' & 31);
    return name.length < 32 && (lengths >> name.length & letters >> (name.data[0] & 31) & 1) != 0;
}

/*
 * Takes a field that may be needed: into the facts, or into `request`. REQUEST_REFUSED with `error`
 * filled, or REQUEST_COMPLETE.
 */
WARN_UNUSED enum request_result head_facts_take(struct head_facts *facts,
                                                const struct request_field *field,
                                                struct request *request,
                                                struct request_error *error);

/* Says what is wrong with a head; `reason` is a constant. Always REQUEST_REFUSED. */
enum request_result head_refuse(struct request_error *error, uint16_t status, const char *reason);

/* What can only be said when all fields are known. As head_facts_take(). */
WARN_UNUSED enum request_result head_facts_finish(const struct head_facts *facts,
                                                  struct request *request,
                                                  struct request_error *error);

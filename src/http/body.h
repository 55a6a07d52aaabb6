/*
 * The body of a request: decodes the framing (RFC 9112, sections 6 and 7) and hands on the
 * content's bytes in place, as they come. One thread at a time.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "http/request.h"

#include <stdint.h>

enum body_result {
    BODY_COMPLETE,
    BODY_INCOMPLETE, /* not yet at the end: call again with the rest of the input, or with more */
    BODY_REFUSED,
};

struct body_decoder {
    uint64_t remaining;       /* content bytes of the sized body or of the current chunk */
    uint64_t content_bytes;   /* decoded so far */
    uint64_t max_bytes;       /* of content */
    uint32_t overhead_bytes;  /* of the current chunk line or of the trailers */
    uint32_t extension_bytes; /* of all chunk lines so far, behind the sizes */
    uint8_t state;            /* private */
    uint8_t size_digits;      /* of the current chunk size */
};

/*
 * `max_bytes` limits the content. Returns BODY_COMPLETE when the request has no body,
 * BODY_REFUSED (413) when it announces a longer one than allowed, else BODY_INCOMPLETE.
 */
WARN_UNUSED enum body_result body_start(struct body_decoder *decoder, const struct request *request,
                                        uint64_t max_bytes, struct request_error *ret_error);

/*
 * Decodes from the front of `*input`, which is moved behind what was used. On BODY_INCOMPLETE and
 * BODY_COMPLETE `*ret_content` is a run of content found on the way (maybe empty): call again
 * while BODY_INCOMPLETE is returned and input is left. BODY_REFUSED is final.
 */
WARN_UNUSED enum body_result body_decode(struct body_decoder *decoder, struct span *input,
                                         struct span *ret_content, struct request_error *ret_error);

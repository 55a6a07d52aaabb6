/*
 * Any bytes as a response: whatever the pieces they come in, they mean the same, the content is
 * within its limit, and a refusal says why.
 */
#include "base/assert.h"
#include "verify/http_reply.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BODY_BYTES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_in_pieces(struct http_reply *reply, const uint8_t *data, size_t size, size_t step)
{
    http_reply_begin(reply, MAX_BODY_BYTES);
    for (size_t at = 0; at < size; at += step) {
        size_t length = size - at < step ? size - at : step;
        char *exact = malloc(length);
        ASSERT(exact != NULL);
        memcpy(exact, data + at, length);
        http_reply_feed(reply, span_of(exact, length));
        free(exact);
    }
    enum http_reply_state state = http_reply_closed(reply);
    ASSERT(state == HTTP_REPLY_COMPLETE || state == HTTP_REPLY_REFUSED);
    ASSERT((state == HTTP_REPLY_REFUSED) == (reply->error[0] != '\0'));
    ASSERT(reply->body_bytes <= MAX_BODY_BYTES);
    ASSERT(state == HTTP_REPLY_REFUSED || reply->body[reply->body_bytes] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_reply whole, pieces;
    if (size == 0) {
        return 0;
    }
    read_in_pieces(&whole, data, size, size);
    read_in_pieces(&pieces, data, size, data[size - 1] % 7 + 1);
    ASSERT(whole.state == pieces.state && whole.status == pieces.status);
    if (whole.state == HTTP_REPLY_COMPLETE) {
        ASSERT(whole.body_bytes == pieces.body_bytes);
        ASSERT(memcmp(whole.body, pieces.body, whole.body_bytes) == 0);
    }
    http_reply_free(&whole);
    http_reply_free(&pieces);
    return 0;
}

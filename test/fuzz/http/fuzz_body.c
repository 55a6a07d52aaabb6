/*
 * Any bytes as a body: read at once, cut at a place of the fuzzer's choice, and byte by byte give
 * the same content and the same verdict. The first four bytes choose framing, limit and place.
 */
#include "base/assert.h"
#include "base/buffer.h"
#include "http/body.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum body_result result;
    struct request_error error;
    size_t used;
    struct buffer content;
};

static void feed(struct body_decoder *decoder, struct outcome *outcome, const uint8_t *data,
                 size_t length)
{
    char *exact = malloc(length > 0 ? length : 1);
    ASSERT(exact != NULL);
    memcpy(exact, data, length);
    struct span input = span_of(exact, length);
    while (outcome->result == BODY_INCOMPLETE && input.length > 0) {
        const char *before = input.data;
        struct span content = {0};
        outcome->result = body_decode(decoder, &input, &content, &outcome->error);
        ASSERT(input.data > before && input.data + input.length == exact + length);
        if (outcome->result != BODY_REFUSED && content.length > 0) {
            ASSERT(content.data >= before && content.data + content.length <= input.data);
            buffer_append_span(&outcome->content, content);
        }
    }
    outcome->used += length - input.length;
    free(exact);
}

/* In pieces: the first as long as said, the others of `step` bytes. */
static void decode(const struct request *request, uint64_t max_bytes, const uint8_t *data,
                   size_t size, size_t first, size_t step, struct outcome *outcome)
{
    struct body_decoder decoder;
    char *memory = malloc(size + 1);
    ASSERT(memory != NULL);
    *outcome = (struct outcome){.content = buffer_over(memory, size)};
    outcome->result = body_start(&decoder, request, max_bytes, &outcome->error);
    feed(&decoder, outcome, data, first);
    for (size_t at = first; at < size && outcome->result == BODY_INCOMPLETE; at += step) {
        feed(&decoder, outcome, data + at, size - at < step ? size - at : step);
    }
    ASSERT(!outcome->content.overflowed);
    if (outcome->result == BODY_REFUSED) {
        ASSERT(outcome->error.status >= 400 && outcome->error.reason != NULL);
    } else {
        ASSERT(outcome->content.length <= max_bytes);
        ASSERT(outcome->result == BODY_COMPLETE || outcome->used == size);
    }
    if (!request->chunked && outcome->result == BODY_COMPLETE) {
        ASSERT(outcome->used == request->content_length);
        ASSERT(outcome->content.length == outcome->used);
        ASSERT(outcome->used == 0 || memcmp(memory, data, outcome->used) == 0);
    }
}

static void check_same(const struct outcome *one, const struct outcome *other)
{
    ASSERT(one->result == other->result);
    ASSERT(one->error.status == other->error.status && one->error.reason == other->error.reason);
    ASSERT(one->used == other->used);
    ASSERT(span_equals(buffer_span(&one->content), buffer_span(&other->content)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    struct request request = {.chunked = data[0] % 4 != 0};
    request.content_length = request.chunked ? 0 : data[1];
    uint64_t max_bytes = data[0] < 128 ? UINT64_MAX : data[0] - UINT64_C(128);
    size_t place = (size_t)data[2] << 8 | data[3];
    data += 4;
    size -= 4;
    size_t first = size == 0 ? 0 : place % (size + 1);
    struct outcome whole, cut, bytes;
    decode(&request, max_bytes, data, size, size, 1, &whole);
    decode(&request, max_bytes, data, size, first, size + 1, &cut);
    decode(&request, max_bytes, data, size, 0, 1, &bytes);
    check_same(&whole, &cut);
    check_same(&whole, &bytes);
    free(whole.content.data);
    free(cut.content.data);
    free(bytes.content.data);
    return 0;
}

/*
 * Reads answers as a strict client would: what is not well-formed HTTP/1.1 fails an assertion.
 */
#pragma once

#include "base/assert.h"
#include "base/buffer.h"
#include "base/span.h"

#include <stdlib.h>

struct answer {
    unsigned status;
    struct span head;    /* with the empty line; points into the input */
    struct span content; /* decoded; points into the input or into `decoded` */
    bool chunked;
    bool closes;  /* says `connection: close` */
    bool to_end;  /* its content ends with the connection */
    size_t bytes; /* of the input */
};

/* The value of the first line of that name (lower case, as the engine writes them), or NULL. */
static inline struct span answer_field(const struct answer *answer, const char *name)
{
    size_t length = strlen(name);
    const char *end = answer->head.data + answer->head.length;
    const char *at = memmem(answer->head.data, answer->head.length, "\r\n", 2);
    while (at != NULL && at + 2 < end) {
        const char *line = at + 2;
        at = memmem(line, (size_t)(end - line), "\r\n", 2);
        ASSERT(at != NULL);
        if ((size_t)(at - line) > length && memcmp(line, name, length) == 0 &&
            line[length] == ':') {
            return span_trim(span_of(line + length + 1, (size_t)(at - line) - length - 1));
        }
    }
    return (struct span){NULL, 0};
}

/* Every line of the head: a name, a colon and a value without control characters. */
static inline void answer_check_head(struct span head)
{
    ASSERT(head.length >= 17 && memcmp(head.data, "HTTP/1.1 ", 9) == 0);
    size_t at = 0;
    for (unsigned line = 0; at + 2 < head.length; line++) {
        const char *end = memmem(head.data + at, head.length - at, "\r\n", 2);
        size_t length = (size_t)(end - head.data) - at;
        const char *colon = memchr(head.data + at, ':', length);
        ASSERT(line == 0 || (colon != NULL && colon > head.data + at));
        for (size_t i = 0; i < length; i++) {
            unsigned char c = (unsigned char)head.data[at + i];
            ASSERT((c >= ' ' && c != 0x7f) || c == '\t');
        }
        at += length + 2;
    }
    ASSERT(at + 2 == head.length);
}

/* The end of the chunks at the front of `input`, 0 when they are not all there. */
static inline size_t answer_read_chunks(struct span input, struct buffer *decoded)
{
    size_t at = 0;
    for (;;) {
        const char *end = memmem(input.data + at, input.length - at, "\r\n", 2);
        if (end == NULL) {
            ASSERT(input.length - at < 12);
            return 0;
        }
        const char *size_end = input.data + at;
        size_t size = 0;
        for (; size_end < end; size_end++) {
            char c = *size_end;
            ASSERT((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
            size = size * 16 + (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        ASSERT(size_end > input.data + at && size <= 65536);
        at = (size_t)(end - input.data) + 2;
        if (input.length - at < size + 2) {
            return 0;
        }
        buffer_append(decoded, input.data + at, size);
        ASSERT(memcmp(input.data + at + size, "\r\n", 2) == 0);
        at += size + 2;
        if (size == 0) {
            return at;
        }
    }
}

/*
 * Reads the answer at the front of `input`. False when it is not whole yet. `ended`: the
 * connection is closed behind it. `decoded` takes chunked content.
 */
static inline bool answer_read(struct span input, bool is_head, bool ended, struct buffer *decoded,
                               struct answer *ret_answer)
{
    struct answer *answer = ret_answer;
    *answer = (struct answer){0};
    const char *end = input.length == 0 ? NULL : memmem(input.data, input.length, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    answer->head = span_of(input.data, (size_t)(end - input.data) + 4);
    answer_check_head(answer->head);
    answer->status = (unsigned)atoi(input.data + 9);
    ASSERT(answer->status >= 100 && answer->status <= 999 && input.data[12] == ' ');
    answer->bytes = answer->head.length;
    if (answer->status < 200) {
        return true;
    }
    ASSERT(answer_field(answer, "date").length == 29);
    struct span connection = answer_field(answer, "connection");
    answer->closes = span_equals(connection, SPAN("close"));
    struct span length = answer_field(answer, "content-length");
    answer->chunked = answer_field(answer, "transfer-encoding").data != NULL;
    ASSERT(!answer->chunked || length.data == NULL);
    struct span rest = span_after(input, answer->head.length);
    if (is_head || answer->status == 204 || answer->status == 304) {
        ASSERT(answer->status != 204 || (length.data == NULL && !answer->chunked));
        return true;
    }
    if (answer->chunked) {
        ASSERT(span_equals(answer_field(answer, "transfer-encoding"), SPAN("chunked")));
        decoded->length = 0;
        size_t bytes = answer_read_chunks(rest, decoded);
        answer->content = buffer_span(decoded);
        answer->bytes += bytes;
        return bytes > 0;
    }
    if (length.data == NULL) {
        ASSERT(answer->closes);
        answer->to_end = true;
        answer->content = rest;
        answer->bytes += rest.length;
        return ended;
    }
    ASSERT(length.length > 0 && length.length < 10);
    size_t content_bytes = (size_t)strtoul(length.data, NULL, 10);
    if (rest.length < content_bytes) {
        return false;
    }
    answer->content = span_of(rest.data, content_bytes);
    answer->bytes += content_bytes;
    return true;
}

/*
 * A bounded output buffer: memory that the caller owns, filled from the front. What does not fit
 * whole is not written at all and sets `overflowed`, so a writer may append many pieces and check
 * once at the end. One thread at a time.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

struct buffer {
    char *data;      /* owned by whoever made the buffer */
    size_t length;   /* bytes written so far, at most capacity */
    size_t capacity; /* bytes */
    bool overflowed; /* a piece did not fit */
};

static inline struct buffer buffer_over(char *memory, size_t capacity)
{
    return (struct buffer){.data = memory, .capacity = capacity};
}

static inline size_t buffer_room(const struct buffer *buffer)
{
    return buffer->capacity - buffer->length;
}

static inline struct span buffer_span(const struct buffer *buffer)
{
    return (struct span){buffer->data, buffer->length};
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (length > buffer_room(buffer)) {
        buffer->overflowed = true;
        return;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, data, length);
        buffer->length += length;
    }
}

static inline void buffer_append_span(struct buffer *buffer, struct span text)
{
    buffer_append(buffer, text.data, text.length);
}

static inline void buffer_append_byte(struct buffer *buffer, char byte)
{
    buffer_append(buffer, &byte, 1);
}

/* In decimal with at least `digits` digits (1 to 20), zeros in front. */
void buffer_append_u64_padded(struct buffer *buffer, uint64_t value, unsigned digits);

/* In decimal, without leading zeros. */
static inline void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    if (value < 10) {
        buffer_append_byte(buffer, (char)('0' + value));
    } else if (value < 100) {
        char digits[2] = {(char)('0' + value / 10), (char)('0' + value % 10)};
        buffer_append(buffer, digits, sizeof digits);
    } else {
        buffer_append_u64_padded(buffer, value, 1);
    }
}

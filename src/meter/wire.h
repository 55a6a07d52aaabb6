/*
 * Protobuf's wire format, written from the back to the front: so that the length of a message is
 * known when its turn to be written comes. Fields are appended in reverse order.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "meter/short_text.h"

#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_64_BIT = 1, WIRE_BYTES = 2 };

struct wire {
    char *start;  /* of the memory; not owned */
    char *cursor; /* the first byte written */
    bool overflowed;
};

static inline struct wire wire_over(char *memory, size_t capacity)
{
    return (struct wire){memory, memory + capacity, false};
}

static inline char *wire_reserve(struct wire *wire, size_t length)
{
    if (UNLIKELY((size_t)(wire->cursor - wire->start) < length)) {
        wire->overflowed = true;
        wire->cursor = wire->start;
        return NULL;
    }
    wire->cursor -= length;
    return wire->cursor;
}

static inline void wire_bytes(struct wire *wire, const void *data, size_t length)
{
    char *out = wire_reserve(wire, length);
    if (out != NULL) {
        copy_short(out, data, length);
    }
}

static inline size_t wire_varint_length(uint64_t value)
{
    return (size_t)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

static inline char *wire_put_varint(char *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *out++ = (char)(value | 0x80);
    }
    *out++ = (char)value;
    return out;
}

static inline void wire_varint(struct wire *wire, uint64_t value)
{
    if (LIKELY(value < 0x80)) {
        char *out = wire_reserve(wire, 1);
        if (out != NULL) {
            *out = (char)value;
        }
        return;
    }
    char *out = wire_reserve(wire, wire_varint_length(value));
    if (out != NULL) {
        wire_put_varint(out, value);
    }
}

static inline void wire_tag(struct wire *wire, uint32_t field, enum wire_type type)
{
    wire_varint(wire, (uint64_t)field << 3 | type);
}

static inline void wire_uint_field(struct wire *wire, uint32_t field, uint64_t value)
{
    wire_varint(wire, value);
    wire_tag(wire, field, WIRE_VARINT);
}

static inline uint64_t wire_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline void wire_double_field(struct wire *wire, uint32_t field, double value)
{
    /* Little-endian on the wire. */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    wire_bytes(wire, &bits, sizeof bits);
    wire_tag(wire, field, WIRE_64_BIT);
}

static inline void wire_bytes_field(struct wire *wire, uint32_t field, struct span data)
{
    wire_bytes(wire, data.data, data.length);
    wire_varint(wire, data.length);
    wire_tag(wire, field, WIRE_BYTES);
}

/* Puts tag and length in front of what was written since the cursor was at `end`. */
static inline void wire_message(struct wire *wire, uint32_t field, const char *end)
{
    if (!wire->overflowed) {
        wire_varint(wire, (uint64_t)(end - wire->cursor));
        wire_tag(wire, field, WIRE_BYTES);
    }
}

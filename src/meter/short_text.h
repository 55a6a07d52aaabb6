/*
 * Copying, comparing and checking short runs of bytes without a call: most label values have a few
 * bytes, and a library call for each costs more than they do. Pieces overlap instead of being
 * counted out.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t load_64(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint32_t load_32(const char *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* Up to 7 bytes in one number; different texts of one length give different numbers. */
static inline uint64_t load_short(const char *p, size_t length)
{
    if (length >= 4) {
        return (uint64_t)load_32(p) << 32 | load_32(p + length - 4);
    }
    if (length == 0) {
        return 0;
    }
    return (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[length / 2] << 8 |
           (unsigned char)p[length - 1];
}

static inline void copy_short(char *out, const char *p, size_t length)
{
    if (length > 16) {
        memcpy(out, p, length);
    } else if (length >= 8) {
        uint64_t front = load_64(p), back = load_64(p + length - 8);
        memcpy(out, &front, sizeof front);
        memcpy(out + length - 8, &back, sizeof back);
    } else if (length >= 4) {
        uint32_t front = load_32(p), back = load_32(p + length - 4);
        memcpy(out, &front, sizeof front);
        memcpy(out + length - 4, &back, sizeof back);
    } else if (length > 0) {
        char middle = p[length / 2], last = p[length - 1];
        out[0] = p[0];
        out[length / 2] = middle;
        out[length - 1] = last;
    }
}

static inline bool same_short(const char *a, const char *b, size_t length)
{
    if (length < 8) {
        return load_short(a, length) == load_short(b, length);
    }
    for (size_t i = 0; i + 8 <= length; i += 8) {
        if (load_64(a + i) != load_64(b + i)) {
            return false;
        }
    }
    return load_64(a + length - 8) == load_64(b + length - 8);
}

/* Whether there is neither a byte above 127 nor a NUL. False may also be wrong. */
static inline bool is_plain_short(const char *p, size_t length)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    if (length < 8) {
        /* Bytes that are not there count as 1. */
        uint64_t word = load_short(p, length);
        word |= length >= 4 ? 0 : length > 0 ? ones << 24 : ones;
        return ((word | (word - ones)) & tops) == 0;
    }
    uint64_t bad = 0;
    for (size_t i = 0; i + 8 <= length; i += 8) {
        uint64_t word = load_64(p + i);
        bad |= word | (word - ones);
    }
    uint64_t last = load_64(p + length - 8);
    return ((bad | last | (last - ones)) & tops) == 0;
}

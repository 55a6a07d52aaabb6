/*
 * A hash table from native buckets to counts, in memory that one thread writes and others read.
 *
 * Neighbouring buckets have neighbouring slots, so that the buckets of one distribution hardly ever
 * collide. Two keys share a word, which only the writer changes.
 */
#pragma once

#include "meter/cells.h"

#include <stdbool.h>

/* A bucket and its sign in one number that is never 0. */
static inline uint32_t native_code(int32_t key, bool negative)
{
    return (uint32_t)(key + (INT32_C(1) << 24)) << 1 | (negative ? 1u : 0u);
}

static inline int32_t native_code_key(uint32_t code)
{
    return (int32_t)(code >> 1) - (INT32_C(1) << 24);
}

static inline bool native_code_negative(uint32_t code)
{
    return code & 1;
}

/* Words of a table of `slots` (a power of two): codes, then counts. */
static inline uint32_t native_table_words(uint32_t slots)
{
    return slots / 2 + slots;
}

static inline uint32_t native_table_code(const uint64_t *words, uint32_t slot)
{
    return (uint32_t)(cell_load_acquire(&words[slot / 2]) >> (slot % 2 * 32));
}

static inline uint64_t *native_table_count(uint64_t *words, uint32_t slots, uint32_t slot)
{
    return &words[slots / 2 + slot];
}

static inline uint32_t native_table_first_slot(uint32_t code, uint32_t slots)
{
    /* Negative buckets begin half a table away. */
    return ((code >> 1) + (code & 1) * (slots / 2)) & (slots - 1);
}

/* The slot of a code, or of the empty slot where it belongs. The table must not be full. */
static inline uint32_t native_table_slot(const uint64_t *words, uint32_t slots, uint32_t code,
                                         bool *ret_found)
{
    uint32_t slot = native_table_first_slot(code, slots);
    for (;; slot = (slot + 1) & (slots - 1)) {
        uint32_t there = native_table_code(words, slot);
        if (there == code || there == 0) {
            *ret_found = there == code;
            return slot;
        }
    }
}

/* Adds to a bucket, making it; false when it is new and all but an eighth of the slots are used. */
bool native_table_add(uint64_t *words, uint32_t slots, uint32_t *used, uint32_t code,
                      uint64_t amount);

void native_table_clear(uint64_t *words, uint32_t slots);

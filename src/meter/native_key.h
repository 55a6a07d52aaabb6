/*
 * Native buckets: their indexes and bounds.
 *
 * Schema n (-4 to 8) has the bounds 2^(i * 2^-n) for all whole i; bucket i holds the values v with
 * bound(i-1) < v <= bound(i). Schemas nest: bucket i of schema n lies in bucket ceil(i/2) of schema
 * n-1. Infinity has a bucket of its own, behind that of the largest finite number.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NATIVE_MIN_SCHEMA (-4)
#define NATIVE_MAX_SCHEMA 8

/* Finds indexes at one schema of at least 0; coarser ones follow from it by native_coarsen(). */
struct native_keys {
    uint32_t schema; /* 0 to 8 */
    uint16_t starts[2u << NATIVE_MAX_SCHEMA];
    uint64_t bounds[(1u << NATIVE_MAX_SCHEMA) + 1]; /* fraction bits, the last a sentinel */
};

void native_keys_init(struct native_keys *keys, uint32_t schema);

/* The largest schema whose growth factor 2^(2^-schema) is at most `growth` (above 1). */
int native_schema_of_growth(double growth);

/* The upper bound of bucket `key`; the largest finite number for the last bucket before +Inf's. */
double native_upper_bound(int32_t key, int schema);

/* The bucket at a schema lower by `steps` that contains bucket `key`. */
static inline int32_t native_coarsen(int32_t key, int steps)
{
    return (int32_t)(((int64_t)key + ((INT64_C(1) << steps) - 1)) >> steps);
}

/* For subnormal numbers and infinity. */
int32_t native_key_rare(const struct native_keys *keys, uint64_t bits);

/* Zero too. */
static inline bool native_is_rare(uint64_t bits)
{
    uint64_t exponent = bits >> 52;
    return exponent - 1 >= 0x7ff - 1;
}

/* The index of the bucket of a positive number given by its bits, that is not rare. */
static inline int32_t native_key_usual(const struct native_keys *keys, uint64_t bits)
{
    uint32_t exponent = (uint32_t)(bits >> 52);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    /* Twice as many cells as buckets: a cell is narrower than any bucket, so it has at most one
     * bound in it. */
    uint32_t start = keys->starts[fraction >> (51 - keys->schema)];
    int32_t within = (int32_t)(start + (fraction > keys->bounds[start]));
    return within + (((int32_t)exponent - 1023) * (INT32_C(1) << keys->schema));
}

/* The same for any positive number. */
static inline int32_t native_key(const struct native_keys *keys, uint64_t bits)
{
    return UNLIKELY(native_is_rare(bits)) ? native_key_rare(keys, bits)
                                          : native_key_usual(keys, bits);
}

#include "meter/native_key.h"

#include "meter/native_bounds.h"

#include <float.h>
#include <math.h>

#define FRACTION_BITS 52

void native_keys_init(struct native_keys *keys, uint32_t schema)
{
    uint32_t buckets = 1u << schema;
    keys->schema = schema;
    for (uint32_t i = 0; i < buckets; i++) {
        keys->bounds[i] = native_bounds[i << (NATIVE_MAX_SCHEMA - schema)];
    }
    keys->bounds[buckets] = UINT64_MAX;
    for (uint32_t cell = 0, bucket = 0; cell < 2 * buckets; cell++) {
        uint64_t smallest = (uint64_t)cell << (FRACTION_BITS - 1 - schema);
        while (smallest > keys->bounds[bucket]) {
            bucket++;
        }
        keys->starts[cell] = (uint16_t)bucket;
    }
}

int native_schema_of_growth(double growth)
{
    double steps = floor(log2(log2(growth)));
    if (steps <= -NATIVE_MAX_SCHEMA) {
        return NATIVE_MAX_SCHEMA;
    }
    return steps >= -NATIVE_MIN_SCHEMA ? NATIVE_MIN_SCHEMA : -(int)steps;
}

double native_upper_bound(int32_t key, int schema)
{
    int exponent = schema < 0 ? key * (1 << -schema) : key >> schema;
    if (exponent == DBL_MAX_EXP && (schema < 0 || (key & ((1 << schema) - 1)) == 0)) {
        return DBL_MAX;
    }
    double fraction = 1;
    if (schema > 0) {
        uint32_t within = (uint32_t)key & ((1u << schema) - 1);
        uint64_t bits =
            UINT64_C(0x3ff0000000000000) | native_bounds[within << (NATIVE_MAX_SCHEMA - schema)];
        memcpy(&fraction, &bits, sizeof fraction);
    }
    return ldexp(fraction, exponent);
}

int32_t native_key_rare(const struct native_keys *keys, uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (isinf(value)) {
        uint64_t largest;
        double finite = DBL_MAX;
        memcpy(&largest, &finite, sizeof largest);
        return native_key(keys, largest) + 1;
    }
    /* A subnormal number, moved to where it is not one. */
    double scaled = value * 0x1p64;
    memcpy(&bits, &scaled, sizeof bits);
    return native_key(keys, bits) - 64 * (INT32_C(1) << keys->schema);
}

/*
 * Finding the classic bucket of a value: the first whose upper bound is not below it.
 *
 * Doubles that are positive sort as their bits do, so the leading bits of a value (its exponent and
 * a few bits of its fraction) index a table that says where to begin; each entry covers at most one
 * bound where that is possible, and a single comparison decides, exactly.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bucket_index {
    const double *bounds; /* `count` bounds and then +Inf; not owned */
    uint16_t *starts;     /* owned; NULL: search */
    int64_t low_key;
    int64_t high_key;
    int shift;
    uint32_t count;
};

/* `bounds` must outlive the index and have +Inf behind its `count` increasing entries. Never fails:
 * without memory, or for bounds that are not all positive, it searches by halves. */
void bucket_index_init(struct bucket_index *index, const double *bounds, uint32_t count);
void bucket_index_free(struct bucket_index *index);

uint32_t bucket_search(const struct bucket_index *index, double value);

/* 0 to count; NaN belongs to the +Inf bucket. Any thread. */
static inline uint32_t bucket_of(const struct bucket_index *index, double value)
{
    if (UNLIKELY(value != value)) {
        return index->count;
    }
    if (UNLIKELY(index->starts == NULL)) {
        return bucket_search(index, value);
    }
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t key = bits >> index->shift;
    key = key < index->low_key ? index->low_key : key;
    key = key > index->high_key ? index->high_key : key;
    uint32_t bucket = index->starts[key - index->low_key];
    return bucket + (value > index->bounds[bucket]);
}

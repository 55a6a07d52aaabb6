/*
 * Finding the classic bucket of a value: the first whose upper bound is not below it.
 *
 * Positive doubles sort as their bits do, so the leading bits of a value (its exponent and a few
 * bits of its fraction) choose an entry of a table, and one comparison of whole numbers decides,
 * exactly: an entry covers at most one bound.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Values with bits up to `last` belong to `bucket`, others to the next one. */
struct bucket_entry {
    int64_t last;
    uint64_t bucket;
};

struct bucket_index {
    struct bucket_entry *entries; /* owned; NULL: search */
    int64_t low_key;
    int64_t high_key;
    int shift;
    uint32_t count;
    const double *bounds; /* `count` bounds and then +Inf; not owned */
};

/* `bounds` must outlive the index and have +Inf behind its `count` increasing entries. Never fails:
 * without memory, or for bounds that are not all positive, it searches by halves. */
void bucket_index_init(struct bucket_index *index, const double *bounds, uint32_t count);
void bucket_index_free(struct bucket_index *index);

/* 0 to count; NaN belongs to the +Inf bucket. Any thread. */
uint32_t bucket_of(const struct bucket_index *index, double value);

/* The same, without a call; false for what it leaves to bucket_of(). */
static inline bool bucket_find(const struct bucket_index *index, double value, uint64_t *ret_bucket)
{
    if (UNLIKELY(value != value || index->entries == NULL)) {
        return false;
    }
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t key = bits >> index->shift;
    key = key < index->low_key ? index->low_key : key;
    key = key > index->high_key ? index->high_key : key;
    const struct bucket_entry *entry = &index->entries[key - index->low_key];
    *ret_bucket = entry->bucket + (bits > entry->last);
    return true;
}

/*
 * A family's hash table from label values to series: read without a lock inside a section, changed
 * under the family's lock. Linear probing; what is removed leaves a mark until the table is made
 * anew.
 */
#pragma once

#include "meter/series.h"
#include "meter/short_text.h"

#define TABLE_FAST_LABELS 8

struct series_table {
    struct series_table *next; /* while retired */
    uint64_t retired_epoch;
    uint32_t mask;
    uint32_t used; /* slots that are not empty, marks included */
    struct series *slots[];
};

static inline uint64_t table_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Hashes one more value. *seen collects all bits of its bytes: who may not see NUL in them learns
 * from it whether all were ASCII. The hash is seeded, because label values may come from a peer
 * that would like them all in one place. */
static inline uint64_t table_hash_text(uint64_t hash, const char *data, size_t length,
                                       uint64_t *seen)
{
    hash += length * UINT64_C(0x9e3779b97f4a7c15);
    for (; length >= 8; data += 8, length -= 8) {
        uint64_t word = load_64(data);
        *seen |= word;
        hash = table_mix(hash ^ word, UINT64_C(0xd6e8feb86659fd93));
    }
    uint64_t word = load_short(data, length);
    *seen |= word;
    return table_mix(hash ^ word, UINT64_C(0xa0761d6478bd642f));
}

static inline uint32_t table_fold_hash(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

/* The hash of label values in the order of the description. */
uint64_t table_wide_hash(const struct meter_family *family, const struct value_list *values);
uint32_t table_hash(const struct meter_family *family, const struct value_list *values);

struct series *table_find(const struct series_table *table, const struct meter_family *family,
                          const struct value_list *values, uint32_t hash);

/* Finds a series by the usual kind of values: a few strings in ASCII. NULL when there is none, and
 * for anything unusual. To be called inside a section. */
struct series *table_find_strings(const struct meter_family *family, const char *const *values);

/* Makes room for one more series: 0 or -ENOMEM. May put the old table among the retired ones. */
WARN_UNUSED int table_reserve_locked(struct meter_family *family);

/* After table_reserve_locked(). */
void table_insert_locked(struct meter_family *family, struct series *series);
void table_remove_locked(struct meter_family *family, struct series *series);

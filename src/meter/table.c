#include "meter/table.h"

#include <errno.h>
#include <stdlib.h>

#define MIN_SLOTS 8
#define NOT_ASCII UINT64_C(0x8080808080808080)
#define REMOVED ((struct series *)&removed_mark)

static char removed_mark; /* an address that no series has */

uint64_t table_wide_hash(const struct meter_family *family, const struct value_list *values)
{
    uint64_t hash = family->meter->hash_seed, seen = 0;
    for (size_t i = 0; i < values->count; i++) {
        hash = table_hash_text(hash, values->items[i].data, values->items[i].length, &seen);
    }
    return hash;
}

uint32_t table_hash(const struct meter_family *family, const struct value_list *values)
{
    return table_fold_hash(table_wide_hash(family, values));
}

static bool has_values(const struct series *series, const struct meter_family *family,
                       const struct value_list *values)
{
    const char *cursor = series->values;
    for (unsigned i = 0; i < family->label_count; i++) {
        struct span wanted = values->items[family->labels[i].value_index];
        uint32_t length;
        memcpy(&length, cursor, sizeof length);
        cursor += sizeof length;
        if (length != wanted.length || !same_short(cursor, wanted.data, length)) {
            return false;
        }
        cursor += length;
    }
    return true;
}

static bool has_strings(const struct series *series, const struct meter_family *family,
                        const char *const *values, const size_t *lengths)
{
    const char *cursor = series->values;
    for (unsigned i = 0; i < family->label_count; i++) {
        unsigned wanted = family->labels[i].value_index;
        uint32_t length = load_32(cursor);
        cursor += sizeof length;
        if (length != lengths[wanted] || !same_short(cursor, values[wanted], length)) {
            return false;
        }
        cursor += length;
    }
    return true;
}

struct series *table_find(const struct series_table *table, const struct meter_family *family,
                          const struct value_list *values, uint32_t hash)
{
    if (table == NULL) {
        return NULL;
    }
    for (uint32_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        struct series *series = __atomic_load_n(&table->slots[i], __ATOMIC_ACQUIRE);
        if (series == NULL) {
            return NULL;
        }
        if (series != REMOVED && series->hash == hash && has_values(series, family, values)) {
            return series;
        }
    }
}

struct series *table_find_strings(const struct meter_family *family, const char *const *values)
{
    size_t lengths[TABLE_FAST_LABELS];
    uint64_t hash = family->meter->hash_seed, seen = 0;
    unsigned count = family->label_count;
    if (count > TABLE_FAST_LABELS || values == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < count; i++) {
        if (UNLIKELY(values[i] == NULL)) {
            return NULL;
        }
        lengths[i] = strlen(values[i]);
        hash = table_hash_text(hash, values[i], lengths[i], &seen);
    }
    if (UNLIKELY(values[count] != NULL || (seen & NOT_ASCII) != 0)) {
        return NULL;
    }
    uint32_t folded = table_fold_hash(hash);
    const struct series_table *table = __atomic_load_n(&family->table, __ATOMIC_ACQUIRE);
    for (uint32_t i = folded; table != NULL; i++) {
        struct series *series = __atomic_load_n(&table->slots[i & table->mask], __ATOMIC_ACQUIRE);
        if (series == NULL) {
            return NULL;
        }
        if (series != REMOVED && series->hash == folded &&
            has_strings(series, family, values, lengths)) {
            return series;
        }
    }
    return NULL;
}

static void put(struct series_table *table, struct series *series)
{
    uint32_t i = series->hash & table->mask;
    while (table->slots[i] != NULL) {
        i = (i + 1) & table->mask;
    }
    __atomic_store_n(&table->slots[i], series, __ATOMIC_RELEASE);
    table->used++;
}

int table_reserve_locked(struct meter_family *family)
{
    struct series_table *old = family->table;
    /* At most two thirds are used, so that probing ends soon. */
    if (old != NULL && (uint64_t)(old->used + 1) * 3 <= ((uint64_t)old->mask + 1) * 2) {
        return 0;
    }
    size_t slots = MIN_SLOTS;
    while ((family->count + 1) * 2 > slots) {
        slots *= 2;
    }
    struct series_table *table = calloc(1, sizeof *table + slots * sizeof(void *));
    if (table == NULL) {
        return -ENOMEM;
    }
    table->mask = (uint32_t)(slots - 1);
    for (size_t i = 0; i < family->count; i++) {
        put(table, family->ordered[i]);
    }
    __atomic_store_n(&family->table, table, __ATOMIC_RELEASE);
    if (old != NULL) {
        old->retired_epoch = thread_epoch_advance();
        old->next = family->retired_tables;
        family->retired_tables = old;
        series_reclaim_locked(family); /* else a family that only grows would keep them all */
    }
    return 0;
}

void table_insert_locked(struct meter_family *family, struct series *series)
{
    put(family->table, series);
}

void table_remove_locked(struct meter_family *family, struct series *series)
{
    struct series_table *table = family->table;
    uint32_t i = series->hash & table->mask;
    while (table->slots[i] != series) {
        i = (i + 1) & table->mask;
    }
    __atomic_store_n(&table->slots[i], REMOVED, __ATOMIC_RELEASE);
}

#include "meter/series.h"

#include "base/assert.h"
#include "base/clock.h"
#include "meter/exemplar.h"
#include "meter/table.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_CHUNK_BYTES 16384

struct series_chunk {
    struct series_chunk *next;
    size_t count;
    uint64_t memory[];
};

static bool needs_escape(struct span value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"' || c == '\n') {
            return true;
        }
    }
    return false;
}

/* Copies the label values in the order of the names. */
static int set_values(struct series *series, const struct value_list *values)
{
    const struct meter_family *family = series->family;
    size_t bytes = 1;
    for (size_t i = 0; i < values->count; i++) {
        bytes += sizeof(uint32_t) + values->items[i].length;
    }
    char *out = malloc(bytes);
    if (out == NULL) {
        return -ENOMEM;
    }
    series->values = out;
    uint32_t flags = 0;
    for (unsigned i = 0; i < family->label_count; i++) {
        struct span value = values->items[family->labels[i].value_index];
        uint32_t length = (uint32_t)value.length;
        memcpy(out, &length, sizeof length);
        memcpy(out + sizeof length, value.data, length);
        out += sizeof length + length;
        flags |= needs_escape(value) ? SERIES_NEEDS_ESCAPE : 0;
    }
    __atomic_store_n(&series->handle.flags, flags, __ATOMIC_RELAXED);
    return 0;
}

static struct series *in_chunk(const struct meter_family *family, struct series_chunk *chunk,
                               size_t index)
{
    return (struct series *)(void *)((char *)chunk->memory + index * family->series_bytes);
}

/* Series come in chunks that grow with the family: one at first, because most families have one. */
static int add_chunk(struct meter_family *family)
{
    size_t wanted = family->count == 0 ? 1 : family->count;
    size_t most = MAX_CHUNK_BYTES / family->series_bytes;
    size_t count = wanted < most ? wanted : most > 0 ? most : 1;
    struct series_chunk *chunk = calloc(1, sizeof *chunk + count * family->series_bytes);
    if (chunk == NULL) {
        return -ENOMEM;
    }
    chunk->count = count;
    chunk->next = family->chunks;
    family->chunks = chunk;
    for (size_t i = count; i-- > 0;) {
        struct series *series = in_chunk(family, chunk, i);
        series->family = family;
        series->next = family->free_series;
        family->free_series = series;
    }
    return 0;
}

static int prepare_extra(struct series *series)
{
    struct meter_family *family = series->family;
    if (series->extra != NULL || (family->idle_ns == 0 && !family->exemplars)) {
        return 0;
    }
    struct series_extra *extra = calloc(1, sizeof *extra);
    if (extra == NULL) {
        return -ENOMEM;
    }
    if (family->exemplars) {
        extra->exemplars = exemplar_set_new(family->exemplar_slots);
        if (extra->exemplars == NULL) {
            free(extra);
            return -ENOMEM;
        }
    }
    series->extra = extra;
    return 0;
}

/* A free series with its cells, which it may have from a former life. It stays in the free list
 * until everything that can fail is done. */
static int prepare_free_series(struct meter_family *family)
{
    if (family->free_series == NULL && family->retired != NULL) {
        series_reclaim_locked(family);
    }
    if (family->free_series == NULL && add_chunk(family) != 0) {
        return -ENOMEM;
    }
    struct series *series = family->free_series;
    if (series->handle.cells == NULL) {
        struct cell_run run;
        if (cell_pool_take(&family->meter->pool, family->cell_words, &run) != 0) {
            return -ENOMEM;
        }
        series->handle.cells = &run.block->cells;
        series->handle.offset_words = run.offset_words;
    }
    return prepare_extra(series);
}

static int grow_order(struct meter_family *family)
{
    if (family->count < family->capacity) {
        return 0;
    }
    size_t capacity = family->capacity == 0 ? 1 : family->capacity * 2;
    struct series **ordered = realloc(family->ordered, capacity * sizeof(struct series *));
    if (ordered == NULL) {
        return -ENOMEM;
    }
    family->ordered = ordered;
    family->capacity = capacity;
    return 0;
}

static int make_locked(struct meter_family *family, const struct value_list *values, uint32_t hash,
                       struct series **ret_series)
{
    if (family->max_series > 0 && family->count >= family->max_series) {
        __atomic_fetch_add(&family->refused, 1, __ATOMIC_RELAXED);
        return -ENOSPC;
    }
    if (prepare_free_series(family) != 0 || grow_order(family) != 0 ||
        table_reserve_locked(family) != 0) {
        return -ENOMEM;
    }
    struct series *series = family->free_series;
    if (set_values(series, values) != 0) {
        return -ENOMEM;
    }
    family->free_series = series->next;
    series->hash = hash;
    series->holds = 0;
    series->retired_epoch = 0;
    __atomic_store_n(&series->created_ns, clock_realtime_ns(), __ATOMIC_RELAXED);
    if (series->extra != NULL) {
        series->extra->seen_sum = 0;
        series->extra->changed_ns = clock_monotonic_ns();
    }
    table_insert_locked(family, series);
    family->ordered[family->count++] = series;
    *ret_series = series;
    return 0;
}

int series_obtain(struct meter_family *family, const struct value_list *values, bool hold,
                  struct series **ret_series)
{
    if (values->count != family->label_count || family->collect != NULL) {
        return -EINVAL;
    }
    uint32_t hash = table_hash(family, values);
    pthread_mutex_lock(&family->lock);
    struct series *series = table_find(family->table, family, values, hash);
    int result = series != NULL ? 0 : make_locked(family, values, hash, &series);
    if (result == 0 && hold) {
        series_hold_locked(series);
    }
    pthread_mutex_unlock(&family->lock);
    if (result == 0) {
        /* Its cells for this thread now, so that no update has to make them. */
        bool shared;
        if (series_own_cells(series) == NULL) {
            (void)series_cells_slowly(series, &shared);
        }
        *ret_series = series;
    }
    return result;
}

struct series *series_find(struct meter_family *family, const struct value_list *values)
{
    if (values->count != family->label_count) {
        return NULL;
    }
    const struct series_table *table = __atomic_load_n(&family->table, __ATOMIC_ACQUIRE);
    return table_find(table, family, values, table_hash(family, values));
}

uint64_t *series_cells_slowly(struct series *series, bool *ret_shared)
{
    uint32_t shard = thread_shard();
    struct meter_cells *cells = series->handle.cells;
    uint64_t *words = cells_of(cells, shard, series->handle.offset_words);
    if (words == NULL) {
        /* cells is the first member of its block */
        struct cell_block *block = (struct cell_block *)(void *)cells;
        if (cell_block_attach(&series->family->meter->pool, block, shard) != 0) {
            shard = SHARED_SHARD;
        }
        words = cells_of(cells, shard, series->handle.offset_words);
    }
    *ret_shared = shard == SHARED_SHARD;
    return words;
}

/* Zeroes what a series leaves behind; no thread can reach it any more. */
static void wipe(struct meter_family *family, struct series *series)
{
    free(series->values);
    series->values = NULL;
    uint64_t shards = cells_attached(series->handle.cells);
    for (uint64_t *words; (words = cells_next(&series->handle, &shards)) != NULL;) {
        for (uint32_t i = 0; i < family->cell_words; i++) {
            cell_store(&words[i], 0);
        }
    }
    memset(series + 1, 0, family->series_bytes - sizeof *series);
    if (series->extra != NULL && series->extra->exemplars != NULL) {
        exemplar_set_clear(series->extra->exemplars);
    }
}

void series_reclaim_locked(struct meter_family *family)
{
    if (family->retired == NULL && family->retired_tables == NULL) {
        return;
    }
    uint64_t oldest = thread_oldest_section();
    struct series **link = &family->retired;
    while (*link != NULL) {
        struct series *series = *link;
        if (series->retired_epoch >= oldest) {
            link = &series->next;
            continue;
        }
        *link = series->next;
        wipe(family, series);
        series->next = family->free_series;
        family->free_series = series;
    }
    struct series_table **table_link = &family->retired_tables;
    while (*table_link != NULL) {
        struct series_table *table = *table_link;
        if (table->retired_epoch >= oldest) {
            table_link = &table->next;
            continue;
        }
        *table_link = table->next;
        free(table);
    }
}

void series_retire_locked(struct meter_family *family, struct series *series)
{
    series->retired_epoch = thread_epoch_advance();
    series->next = family->retired;
    family->retired = series;
}

void series_hold_locked(struct series *series)
{
    ASSERT(series->holds < UINT32_MAX);
    series->holds++;
}

void series_release_locked(struct meter_family *family, struct series *series)
{
    if (series->holds > 0 && --series->holds == 0 && series->retired_epoch == REMOVED_BUT_HELD) {
        series_retire_locked(family, series);
    }
}

void series_release(struct series *series)
{
    if (series == NULL) {
        return;
    }
    struct meter_family *family = series->family;
    pthread_mutex_lock(&family->lock);
    series_release_locked(family, series);
    pthread_mutex_unlock(&family->lock);
}

void series_free_all(struct meter_family *family)
{
    while (family->chunks != NULL) {
        struct series_chunk *chunk = family->chunks;
        family->chunks = chunk->next;
        for (size_t i = 0; i < chunk->count; i++) {
            struct series *series = in_chunk(family, chunk, i);
            free(series->values);
            if (series->extra != NULL) {
                exemplar_set_free(series->extra->exemplars);
                free(series->extra);
            }
        }
        free(chunk);
    }
    while (family->retired_tables != NULL) {
        struct series_table *table = family->retired_tables;
        family->retired_tables = table->next;
        free(table);
    }
    free(family->table);
    free(family->ordered);
}

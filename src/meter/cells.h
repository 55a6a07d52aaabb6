/*
 * Cells: 8-byte words that one thread writes and all read.
 *
 * A block is a range of words that exists once for each shard in use. A series owns a run of words
 * in one block: the same offset in every shard. The words of a shard are reserved only when a
 * thread that owns the shard needs them, on cache lines of their own; those of the shared shard
 * exist from the start, so that an update has somewhere to go when memory is refused.
 *
 * The owner of a shard adds with relaxed load, add, relaxed store; on the shared shard everybody
 * adds atomically. Readers sum the shards, relaxed: each word is exact, and two words written one
 * after the other with cell_store_release may be read in the opposite order with acquire.
 */
#pragma once

#include "base/compiler.h"
#include "meter.h"
#include "meter/thread.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cell_block {
    struct meter_cells cells; /* first: what the handles point to */
    uint64_t attached;        /* atomic: one bit for each shard that has words */
    uint32_t words;
    uint32_t used_words;
    struct cell_block *next;
};

struct cell_pool {
    pthread_mutex_t lock;
    struct cell_block *blocks; /* the newest first; it alone has room */
};

struct cell_run {
    struct cell_block *block;
    uint32_t offset_words;
};

void cell_pool_init(struct cell_pool *pool);
void cell_pool_free(struct cell_pool *pool);

/* A run of zeroed words; 0 or -ENOMEM. Runs are never given back: series recycle theirs. */
WARN_UNUSED int cell_pool_take(struct cell_pool *pool, uint32_t words, struct cell_run *ret_run);

/* Makes the block's words exist for `shard`, which the calling thread owns: 0 or -ENOMEM. */
WARN_UNUSED int cell_block_attach(struct cell_pool *pool, struct cell_block *block, uint32_t shard);

/* As cell_block_attach for all blocks. */
WARN_UNUSED int cell_pool_attach_all(struct cell_pool *pool, uint32_t shard);

/* Sets every word of every shard to zero; nobody may be writing. */
void cell_pool_clear(struct cell_pool *pool);

/* The shard's first word of a run, or NULL where the shard has none. */
static inline uint64_t *cells_of(const struct meter_cells *cells, uint32_t shard,
                                 uint32_t offset_words)
{
    uint64_t *words = __atomic_load_n(&cells->shards[shard], __ATOMIC_ACQUIRE);
    return words == NULL ? NULL : words + offset_words;
}

/* A set of shards, to be gone through with next_shard(). */
static inline uint64_t cells_attached(const struct meter_cells *cells)
{
    const struct cell_block *block = (const struct cell_block *)(const void *)cells;
    return __atomic_load_n(&block->attached, __ATOMIC_ACQUIRE);
}

/* Takes the lowest shard out of a set that is not empty. */
static inline uint32_t next_shard(uint64_t *shards)
{
    uint32_t shard = (uint32_t)__builtin_ctzll(*shards);
    *shards &= *shards - 1;
    return shard;
}

/* The next shard's words of a series with this handle, or NULL behind the last one:
 *
 *     uint64_t shards = cells_attached(handle->cells);
 *     for (const uint64_t *cells; (cells = cells_next(handle, &shards)) != NULL;)
 */
static inline uint64_t *cells_next(const struct meter_counter *handle, uint64_t *shards)
{
    return *shards == 0 ? NULL : cells_of(handle->cells, next_shard(shards), handle->offset_words);
}

static inline uint64_t cell_load(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static inline uint64_t cell_load_acquire(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_ACQUIRE);
}

static inline void cell_store(uint64_t *cell, uint64_t value)
{
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static inline double double_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t bits_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double cell_load_double(const uint64_t *cell)
{
    return double_of_bits(cell_load(cell));
}

static inline void cell_store_double(uint64_t *cell, double value)
{
    cell_store(cell, bits_of_double(value));
}

/* By the owner of the shard. */
static inline void cell_add(uint64_t *cell, uint64_t amount)
{
    cell_store(cell, cell_load(cell) + amount);
}

/* By the owner, after everything it stored before. */
static inline void cell_add_release(uint64_t *cell, uint64_t amount)
{
    __atomic_store_n(cell, cell_load(cell) + amount, __ATOMIC_RELEASE);
}

#if defined(__SANITIZE_THREAD__)
#define CELLS_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CELLS_CHECKED 1
#endif
#endif

/* The sum of a histogram waits for its own last addition, so every cycle counts: compilers move an
 * atomic double through integer registers, a volatile one they do not. An aligned access of eight
 * bytes is one access on every 64-bit machine; only the thread sanitizer must be told. */
static inline void cell_add_double(uint64_t *cell, double amount)
{
#if defined(CELLS_CHECKED) || __SIZEOF_POINTER__ < 8
    cell_store_double(cell, cell_load_double(cell) + amount);
#else
    typedef double __attribute__((may_alias)) cell_double;
    volatile cell_double *sum = (volatile cell_double *)(void *)cell;
    *sum = *sum + amount;
#endif
}

/* By anybody, on the shared shard. */
static inline void cell_add_shared(uint64_t *cell, uint64_t amount)
{
    __atomic_fetch_add(cell, amount, __ATOMIC_RELEASE);
}

static inline void cell_add_double_shared(uint64_t *cell, double amount)
{
    uint64_t seen = cell_load(cell);
    while (!__atomic_compare_exchange_n(cell, &seen, bits_of_double(double_of_bits(seen) + amount),
                                        true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

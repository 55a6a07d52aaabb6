#include "meter/cells.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_WORDS 1024 /* 8 KiB for each shard */

void cell_pool_init(struct cell_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
    pool->blocks = NULL;
}

void cell_pool_free(struct cell_pool *pool)
{
    while (pool->blocks != NULL) {
        struct cell_block *block = pool->blocks;
        pool->blocks = block->next;
        for (size_t i = 0; i < METER_SHARDS; i++) {
            free(block->cells.shards[i]);
        }
        free(block);
    }
    pthread_mutex_destroy(&pool->lock);
}

static uint64_t *make_words(uint32_t words)
{
    /* Two lines, because cores fetch them in pairs. */
    void *memory = NULL;
    if (posix_memalign(&memory, 2 * CACHE_LINE_BYTES, words * sizeof(uint64_t)) != 0) {
        return NULL;
    }
    memset(memory, 0, words * sizeof(uint64_t));
    return memory;
}

static struct cell_block *make_block(uint32_t words)
{
    struct cell_block *block = calloc(1, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    block->words = words;
    block->cells.shards[SHARED_SHARD] = make_words(words);
    if (block->cells.shards[SHARED_SHARD] == NULL) {
        free(block);
        return NULL;
    }
    block->attached = UINT64_C(1) << SHARED_SHARD;
    return block;
}

static int take_locked(struct cell_pool *pool, uint32_t words, struct cell_run *ret_run)
{
    struct cell_block *block = pool->blocks;
    if (block == NULL || block->words - block->used_words < words) {
        block = make_block(words > BLOCK_WORDS ? words : BLOCK_WORDS);
        if (block == NULL) {
            return -ENOMEM;
        }
        block->next = pool->blocks;
        pool->blocks = block;
    }
    *ret_run = (struct cell_run){block, block->used_words};
    block->used_words += words;
    return 0;
}

int cell_pool_take(struct cell_pool *pool, uint32_t words, struct cell_run *ret_run)
{
    pthread_mutex_lock(&pool->lock);
    int result = take_locked(pool, words, ret_run);
    pthread_mutex_unlock(&pool->lock);
    return result;
}

static int attach_locked(struct cell_block *block, uint32_t shard)
{
    if (block->cells.shards[shard] != NULL) {
        return 0;
    }
    uint64_t *words = make_words(block->words);
    if (words == NULL) {
        return -ENOMEM;
    }
    __atomic_store_n(&block->cells.shards[shard], words, __ATOMIC_RELEASE);
    __atomic_fetch_or(&block->attached, UINT64_C(1) << shard, __ATOMIC_RELEASE);
    return 0;
}

int cell_block_attach(struct cell_pool *pool, struct cell_block *block, uint32_t shard)
{
    pthread_mutex_lock(&pool->lock);
    int result = attach_locked(block, shard);
    pthread_mutex_unlock(&pool->lock);
    return result;
}

int cell_pool_attach_all(struct cell_pool *pool, uint32_t shard)
{
    int result = 0;
    pthread_mutex_lock(&pool->lock);
    for (struct cell_block *block = pool->blocks; block != NULL && result == 0;
         block = block->next) {
        result = attach_locked(block, shard);
    }
    pthread_mutex_unlock(&pool->lock);
    return result;
}

void cell_pool_clear(struct cell_pool *pool)
{
    for (struct cell_block *block = pool->blocks; block != NULL; block = block->next) {
        for (size_t i = 0; i < METER_SHARDS; i++) {
            if (block->cells.shards[i] != NULL) {
                memset(block->cells.shards[i], 0, block->words * sizeof(uint64_t));
            }
        }
    }
}

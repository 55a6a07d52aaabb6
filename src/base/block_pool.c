#include "base/block_pool.h"

#include "base/assert.h"
#include "base/reserve.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define NONE UINT32_MAX

/*
 * Free chunks beyond these give their pages back: after a burst the memory shrinks again. Those
 * without pages are taken last, or each use of the pool would fault pages in and give them back.
 */
#define WARM_FREE_CHUNKS 16

/* Powers of two with sizes between, all multiples of 16: from 129 bytes to half a chunk at most a
 * third is wasted. 288 is for a waiting request with a head of 100 bytes. */
static const uint32_t class_bytes[BLOCK_POOL_CLASS_COUNT] = {
    64,   128,  192,  256,  288,  384,   512,   768,   1024,  1536,
    2048, 3072, 4096, 6144, 8192, 12288, 16384, 21840, 32768, 65536,
};

struct block_chunk {
    uint32_t next; /* in a list of open, warm or cold chunks */
    uint32_t previous;
    uint32_t first_free; /* offset of a free block whose first bytes are the next's, or NONE */
    uint32_t carved;     /* offset behind the last block ever taken */
    uint16_t used;       /* blocks taken */
    uint8_t class_index;
};

static unsigned class_for(size_t bytes)
{
    unsigned index = 0;
    while (class_bytes[index] < bytes) {
        index++;
    }
    return index;
}

static bool chunk_is_full(const struct block_chunk *chunk)
{
    return chunk->first_free == NONE &&
           chunk->carved + class_bytes[chunk->class_index] > BLOCK_POOL_CHUNK_BYTES;
}

static void open_list_push(struct block_pool *pool, uint32_t index)
{
    struct block_chunk *chunk = &pool->chunks[index];
    uint32_t *first = &pool->open_chunks[chunk->class_index];
    chunk->previous = NONE;
    chunk->next = *first;
    if (*first != NONE) {
        pool->chunks[*first].previous = index;
    }
    *first = index;
}

static void open_list_remove(struct block_pool *pool, uint32_t index)
{
    const struct block_chunk *chunk = &pool->chunks[index];
    if (chunk->previous != NONE) {
        pool->chunks[chunk->previous].next = chunk->next;
    } else {
        pool->open_chunks[chunk->class_index] = chunk->next;
    }
    if (chunk->next != NONE) {
        pool->chunks[chunk->next].previous = chunk->previous;
    }
}

int block_pool_init(struct block_pool *pool, size_t limit_bytes)
{
    size_t chunk_limit = limit_bytes / BLOCK_POOL_CHUNK_BYTES;
    chunk_limit = chunk_limit == 0 ? 1 : chunk_limit;
    ASSERT(chunk_limit < NONE);
    *pool = (struct block_pool){
        .chunk_limit = (uint32_t)chunk_limit,
        .warm_chunks = NONE,
        .cold_chunks = NONE,
    };
    memset(pool->open_chunks, 0xff, sizeof pool->open_chunks);
    pool->memory = reserve_memory(chunk_limit * BLOCK_POOL_CHUNK_BYTES);
    pool->chunks = reserve_memory(chunk_limit * sizeof *pool->chunks);
    if (pool->memory == NULL || pool->chunks == NULL) {
        block_pool_destroy(pool);
        return -ENOMEM;
    }
    return 0;
}

void block_pool_destroy(struct block_pool *pool)
{
    reserve_free(pool->memory, pool->chunk_limit * BLOCK_POOL_CHUNK_BYTES);
    reserve_free(pool->chunks, pool->chunk_limit * sizeof *pool->chunks);
    *pool = (struct block_pool){.warm_chunks = NONE, .cold_chunks = NONE};
}

static uint32_t pop_chunk(const struct block_pool *pool, uint32_t *first)
{
    uint32_t index = *first;
    *first = pool->chunks[index].next;
    return index;
}

static void push_chunk(struct block_pool *pool, uint32_t *first, uint32_t index)
{
    pool->chunks[index].next = *first;
    *first = index;
}

static uint32_t take_chunk(struct block_pool *pool)
{
    uint32_t index = NONE;
    if (pool->warm_chunks != NONE) {
        index = pop_chunk(pool, &pool->warm_chunks);
        pool->warm_chunk_count--;
    } else if (pool->cold_chunks != NONE) {
        index = pop_chunk(pool, &pool->cold_chunks);
    } else if (pool->chunks_touched < pool->chunk_limit) {
        index = pool->chunks_touched++;
    } else {
        return NONE;
    }
    pool->chunks_in_use++;
    return index;
}

static void give_chunk(struct block_pool *pool, uint32_t index)
{
    pool->chunks_in_use--;
    if (pool->warm_chunk_count < WARM_FREE_CHUNKS) {
        pool->warm_chunk_count++;
        push_chunk(pool, &pool->warm_chunks, index);
        return;
    }
    reserve_release_pages(pool->memory + index * BLOCK_POOL_CHUNK_BYTES, BLOCK_POOL_CHUNK_BYTES);
    push_chunk(pool, &pool->cold_chunks, index);
}

void *block_pool_take(struct block_pool *pool, size_t bytes)
{
    ASSERT(bytes > 0 && bytes <= BLOCK_POOL_CHUNK_BYTES);
    unsigned class_index = class_for(bytes);
    uint32_t index = pool->open_chunks[class_index];
    if (index == NONE) {
        index = take_chunk(pool);
        if (index == NONE) {
            return NULL;
        }
        pool->chunks[index] = (struct block_chunk){
            .first_free = NONE,
            .class_index = (uint8_t)class_index,
        };
        open_list_push(pool, index);
    }
    struct block_chunk *chunk = &pool->chunks[index];
    char *start = pool->memory + index * BLOCK_POOL_CHUNK_BYTES;
    char *block = NULL;
    if (chunk->first_free != NONE) {
        block = start + chunk->first_free;
        memcpy(&chunk->first_free, block, sizeof chunk->first_free);
    } else {
        block = start + chunk->carved;
        chunk->carved += class_bytes[class_index];
    }
    chunk->used++;
    if (chunk_is_full(chunk)) {
        open_list_remove(pool, index);
    }
    return block;
}

static uint32_t chunk_of(const struct block_pool *pool, const void *block)
{
    size_t offset = (size_t)((const char *)block - pool->memory);
    size_t index = offset / BLOCK_POOL_CHUNK_BYTES;
    ASSERT(index < pool->chunks_touched);
    return (uint32_t)index;
}

void block_pool_give(struct block_pool *pool, void *block)
{
    if (block == NULL) {
        return;
    }
    uint32_t index = chunk_of(pool, block);
    struct block_chunk *chunk = &pool->chunks[index];
    ASSERT(chunk->used > 0);
    bool was_full = chunk_is_full(chunk);
    memcpy(block, &chunk->first_free, sizeof chunk->first_free);
    chunk->first_free = (uint32_t)((size_t)((char *)block - pool->memory) % BLOCK_POOL_CHUNK_BYTES);
    chunk->used--;
    if (chunk->used == 0) {
        if (!was_full) {
            open_list_remove(pool, index);
        }
        give_chunk(pool, index);
    } else if (was_full) {
        open_list_push(pool, index);
    }
}

size_t block_pool_block_bytes(const struct block_pool *pool, const void *block)
{
    return class_bytes[pool->chunks[chunk_of(pool, block)].class_index];
}

/*
 * Blocks of memory of a few sizes, with a limit on their total: what waiting requests and unsent
 * output are kept in. Chunks of 64 KiB are handed to a size class when it needs one and come back
 * when their last block does, so no class can starve another for good. One thread at a time.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#define BLOCK_POOL_CHUNK_BYTES ((size_t)65536)
#define BLOCK_POOL_CLASS_COUNT 20

struct block_chunk;

struct block_pool {
    char *memory;               /* owned: chunk_limit chunks */
    struct block_chunk *chunks; /* owned: one record a chunk */
    uint32_t chunk_limit;
    uint32_t chunks_touched;
    uint32_t chunks_in_use;
    uint32_t warm_chunks;                         /* list of free chunks that kept their pages */
    uint32_t warm_chunk_count;                    /* its length */
    uint32_t cold_chunks;                         /* list of free chunks that gave theirs back */
    uint32_t open_chunks[BLOCK_POOL_CLASS_COUNT]; /* lists of chunks with a free block */
};

/* `limit_bytes` is rounded down to whole chunks, one at least. Returns 0 or -ENOMEM. */
WARN_UNUSED int block_pool_init(struct block_pool *pool, size_t limit_bytes);

void block_pool_destroy(struct block_pool *pool);

/*
 * Returns a block of at least `bytes` (1 to BLOCK_POOL_CHUNK_BYTES), aligned to 16, with undefined
 * content; NULL when the limit is reached. Owned by the caller until block_pool_give.
 */
WARN_UNUSED void *block_pool_take(struct block_pool *pool, size_t bytes);

/* Gives back a block of this pool; NULL is allowed. */
void block_pool_give(struct block_pool *pool, void *block);

/* How many bytes the block has, at least what was asked for. */
size_t block_pool_block_bytes(const struct block_pool *pool, const void *block);

/* Bytes of the chunks in use: what counts against the limit. */
static inline size_t block_pool_used_bytes(const struct block_pool *pool)
{
    return pool->chunks_in_use * BLOCK_POOL_CHUNK_BYTES;
}

#include "../cmocka_includes.h"

#include "base/block_pool.h"
#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK BLOCK_POOL_CHUNK_BYTES
#define MAX_LIVE 4096

struct live_block {
    unsigned char *data;
    size_t bytes;
    unsigned char mark;
};

static struct live_block live[MAX_LIVE];

static struct block_pool pool_of(size_t limit_bytes)
{
    struct block_pool pool;
    assert_int_equal(block_pool_init(&pool, limit_bytes), 0);
    return pool;
}

static size_t random_size(uint64_t random)
{
    /* Powers of two and their neighbours as often as anything else. */
    size_t size = (size_t)1 << random % 17;
    switch (random >> 8 & 3) {
    case 0:
        return size;
    case 1:
        return size > 1 ? size - 1 : 1;
    case 2:
        return size < CHUNK ? size + 1 : CHUNK;
    default:
        return (random >> 16) % size + 1;
    }
}

static void check_and_give(struct block_pool *pool, struct live_block *block)
{
    for (size_t i = 0; i < block->bytes; i++) {
        if (block->data[i] != block->mark) { /* assert_int_equal for each byte would be slow */
            assert_int_equal(block->data[i], block->mark);
        }
    }
    block_pool_give(pool, block->data);
}

/* A new block is aligned, long enough, within the limit, and (by its mark) no other's. */
static bool take_and_mark(struct block_pool *pool, struct live_block *block, size_t asked,
                          unsigned char mark)
{
    unsigned char *data = block_pool_take(pool, asked);
    if (data == NULL) {
        assert_int_equal(block_pool_used_bytes(pool), pool->chunk_limit * CHUNK);
        return false;
    }
    size_t bytes = block_pool_block_bytes(pool, data);
    assert_int_equal((uintptr_t)data % 16, 0);
    assert_true(bytes >= asked && bytes <= CHUNK);
    memset(data, mark, bytes);
    *block = (struct live_block){.data = data, .bytes = bytes, .mark = mark};
    return true;
}

static void blocks_never_overlap_and_stay_within_the_limit(void **state)
{
    (void)state;
    struct block_pool pool = pool_of(40 * CHUNK);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        size_t count = 0, refused = 0, taken_bytes = 0;
        for (uint64_t step = 0; step < 30000; step++) {
            uint64_t random = random_u64(random_draw(seed, step, 0, 0));
            bool grow = (random >> 48) % 100 < (step / 3000 % 2 == 0 ? 70 : 30);
            if (grow && count < MAX_LIVE) {
                if (take_and_mark(&pool, &live[count], random_size(random), (unsigned char)step)) {
                    taken_bytes += live[count++].bytes;
                } else {
                    refused++;
                }
            } else if (count > 0) {
                size_t at = (size_t)(random >> 8) % count;
                taken_bytes -= live[at].bytes;
                check_and_give(&pool, &live[at]);
                live[at] = live[--count];
            }
            assert_true(taken_bytes <= block_pool_used_bytes(&pool));
            assert_true(block_pool_used_bytes(&pool) <= 40 * CHUNK);
        }
        assert_true(refused > 0); /* else the limit was not tried */
        while (count > 0) {
            check_and_give(&pool, &live[--count]);
        }
        assert_int_equal(block_pool_used_bytes(&pool), 0);
    }
    block_pool_destroy(&pool);
}

/* Whatever one size held, another can have all of it afterwards. */
static void no_size_starves_another(void **state)
{
    (void)state;
    struct block_pool pool = pool_of(4 * CHUNK);
    static void *blocks[4 * CHUNK / 64 + 1];
    for (size_t bytes = 64; bytes <= CHUNK; bytes *= 2) {
        size_t count = 0;
        while ((blocks[count] = block_pool_take(&pool, bytes)) != NULL) {
            count++;
        }
        assert_int_equal(count, 4 * CHUNK / bytes);
        assert_null(block_pool_take(&pool, 1));
        for (size_t i = 0; i < count; i += 2) {
            block_pool_give(&pool, blocks[i]);
        }
        for (size_t i = 1; i < count; i += 2) {
            block_pool_give(&pool, blocks[i]);
        }
        assert_int_equal(block_pool_used_bytes(&pool), 0);
    }
    block_pool_destroy(&pool);
}

static void a_full_chunk_serves_again_when_one_block_comes_back(void **state)
{
    (void)state;
    struct block_pool pool = pool_of(CHUNK);
    static void *blocks[CHUNK / 4096];
    for (size_t i = 0; i < CHUNK / 4096; i++) {
        blocks[i] = block_pool_take(&pool, 4096);
        assert_non_null(blocks[i]);
    }
    assert_null(block_pool_take(&pool, 4096));
    block_pool_give(&pool, blocks[5]);
    assert_ptr_equal(block_pool_take(&pool, 4000), blocks[5]);
    assert_null(block_pool_take(&pool, 4096));
    block_pool_give(&pool, NULL);
    assert_int_equal(block_pool_used_bytes(&pool), CHUNK);
    block_pool_destroy(&pool);
}

static void the_limit_is_whole_chunks_and_one_at_least(void **state)
{
    (void)state;
    const struct {
        size_t limit_bytes, chunks;
    } rows[] = {{0, 1}, {1, 1}, {CHUNK, 1}, {2 * CHUNK - 1, 1}, {2 * CHUNK, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct block_pool pool = pool_of(rows[i].limit_bytes);
        for (size_t k = 0; k < rows[i].chunks; k++) {
            assert_non_null(block_pool_take(&pool, CHUNK));
        }
        assert_null(block_pool_take(&pool, 1));
        block_pool_destroy(&pool);
    }
    struct block_pool pool;
    assert_int_equal(block_pool_init(&pool, (size_t)1 << 47), -ENOMEM);
}

static size_t resident_bytes(const struct block_pool *pool)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = pool->chunk_limit * CHUNK / page, resident = 0;
    static unsigned char seen[1 << 16];
    assert_true(pages <= sizeof seen);
    assert_int_equal(mincore(pool->memory, pages * page, seen), 0);
    for (size_t i = 0; i < pages; i++) {
        resident += (seen[i] & 1) * page;
    }
    return resident;
}

/* After a burst the memory goes back, and what is used then does not go back and forth with it. */
static void memory_shrinks_after_a_burst_and_stays_warm(void **state)
{
    (void)state;
    enum { BURST = 100 };
    struct block_pool pool = pool_of(BURST * CHUNK);
    void *blocks[BURST];
    for (int i = 0; i < BURST; i++) {
        blocks[i] = block_pool_take(&pool, CHUNK);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, CHUNK);
    }
    for (int i = 0; i < BURST; i++) {
        block_pool_give(&pool, blocks[i]);
    }
    size_t after_burst = resident_bytes(&pool);
    assert_true(after_burst <= BURST / 4 * CHUNK);
    for (int i = 0; i < 100; i++) {
        void *block = block_pool_take(&pool, CHUNK);
        memset(block, 2, CHUNK);
        block_pool_give(&pool, block);
        assert_true(resident_bytes(&pool) >= after_burst);
        unsigned char first = 0;
        assert_int_equal(mincore(block, 4096, &first), 0);
        assert_int_equal(first & 1, 1);
    }
    for (int i = 0; i < BURST; i++) { /* cold chunks serve as well */
        assert_non_null(block_pool_take(&pool, CHUNK));
    }
    assert_null(block_pool_take(&pool, CHUNK));
    block_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_never_overlap_and_stay_within_the_limit),
        cmocka_unit_test(no_size_starves_another),
        cmocka_unit_test(a_full_chunk_serves_again_when_one_block_comes_back),
        cmocka_unit_test(the_limit_is_whole_chunks_and_one_at_least),
        cmocka_unit_test(memory_shrinks_after_a_burst_and_stays_warm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

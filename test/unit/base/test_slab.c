#include "../cmocka_includes.h"

#include "base/random.h"
#include "base/slab.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define CAPACITY 1000
#define OBJECT_BYTES 24

struct object {
    uint32_t slabs; /* the slab's while free */
    uint32_t owner;
    uint64_t first, second;
};

_Static_assert(sizeof(struct object) == OBJECT_BYTES, "what the slab is made for");

static void gives_out_each_object_once(void **state)
{
    (void)state;
    struct slab slab;
    assert_int_equal(slab_init(&slab, OBJECT_BYTES, CAPACITY), 0);
    static bool taken[CAPACITY];
    memset(taken, 0, sizeof taken);
    for (unsigned i = 0; i < CAPACITY; i++) {
        uint32_t index = slab_take(&slab);
        assert_true(index < CAPACITY);
        assert_false(taken[index]);
        static const struct object zero;
        void *object = slab_at(&slab, index);
        assert_memory_equal(object, &zero, sizeof zero);
        assert_int_equal((uintptr_t)object % 8, 0);
        memset(object, 0xff, OBJECT_BYTES);
        taken[index] = true;
    }
    assert_int_equal(slab.in_use, CAPACITY);
    assert_int_equal(slab_take(&slab), SLAB_NONE);
    assert_int_equal(slab_take(&slab), SLAB_NONE);
    assert_int_equal(slab.in_use, CAPACITY);
    slab_give(&slab, 7);
    assert_int_equal(slab_take(&slab), 7);
    assert_int_equal(slab_take(&slab), SLAB_NONE);
    slab_destroy(&slab);
    slab_destroy(&slab); /* as after a failed start */
}

static void the_last_given_is_the_next_taken(void **state)
{
    (void)state;
    struct slab slab;
    assert_int_equal(slab_init(&slab, OBJECT_BYTES, CAPACITY), 0);
    uint32_t a = slab_take(&slab), b = slab_take(&slab), c = slab_take(&slab);
    slab_give(&slab, b);
    slab_give(&slab, a);
    slab_give(&slab, c);
    assert_int_equal(slab_take(&slab), c);
    assert_int_equal(slab_take(&slab), a);
    assert_int_equal(slab_take(&slab), b);
    assert_int_equal(slab.touched, 3);
    slab_destroy(&slab);
}

/* Random takes and gives: what an owner wrote stays, behind the first four bytes also when free. */
static void keeps_what_the_owner_wrote(void **state)
{
    (void)state;
    struct slab slab;
    assert_int_equal(slab_init(&slab, OBJECT_BYTES, CAPACITY), 0);
    static uint32_t live[CAPACITY];
    static uint64_t written[CAPACITY];
    memset(written, 0, sizeof written);
    uint32_t count = 0;
    for (uint64_t step = 0; step < 100000; step++) {
        uint64_t random = random_u64(random_draw(1, step, 0, 0));
        bool grow = (random >> 32) % 100 < (step / 10000 % 2 == 0 ? 60 : 40);
        if (grow) {
            uint32_t index = slab_take(&slab);
            assert_true((index == SLAB_NONE) == (count == CAPACITY));
            if (index == SLAB_NONE) {
                continue;
            }
            struct object *object = slab_at(&slab, index);
            assert_true(object->first == written[index] &&
                        object->second == ~written[index] * !!written[index]);
            *object = (struct object){index, index, step + 1, ~(step + 1)};
            written[index] = step + 1;
            live[count++] = index;
        } else if (count > 0) {
            uint32_t at = (uint32_t)random % count;
            const struct object *object = slab_at(&slab, live[at]);
            assert_int_equal(object->slabs, live[at]);
            assert_int_equal(object->owner, live[at]);
            assert_true(object->first == written[live[at]]);
            slab_give(&slab, live[at]);
            live[at] = live[--count];
        }
        assert_int_equal(slab.in_use, count);
    }
    slab_destroy(&slab);
}

static void tells_when_there_is_no_room(void **state)
{
    (void)state;
    struct slab slab;
    assert_int_equal(slab_init(&slab, SIZE_MAX / 4 / 8 * 8, 1), -ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_out_each_object_once),
        cmocka_unit_test(the_last_given_is_the_next_taken),
        cmocka_unit_test(keeps_what_the_owner_wrote),
        cmocka_unit_test(tells_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

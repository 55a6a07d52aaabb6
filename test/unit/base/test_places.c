#include "../cmocka_includes.h"

#include "base/places.h"

#include <pthread.h>

static _Atomic unsigned taken;

static void no_more_are_taken_than_there_are(void **state)
{
    (void)state;
    atomic_store(&taken, 0);
    assert_false(places_take(&taken, 0));
    assert_true(places_take(&taken, 2));
    assert_true(places_take(&taken, 2));
    assert_false(places_take(&taken, 2));
    assert_int_equal(taken, 2);
    places_give(&taken);
    assert_true(places_take(&taken, 2));
    places_give(&taken);
    places_give(&taken);
    assert_int_equal(taken, 0);
}

/* Whoever has one of the three counts itself: never are there more. */
static _Atomic int inside;

static void *take_and_give(void *ret_worst)
{
    int worst = 0;
    for (unsigned i = 0; i < 20000; i++) {
        if (places_take(&taken, 3)) {
            int now = atomic_fetch_add(&inside, 1) + 1;
            worst = now > worst ? now : worst;
            atomic_fetch_sub(&inside, 1);
            places_give(&taken);
        }
    }
    *(int *)ret_worst = worst;
    return NULL;
}

static void nor_by_many_threads(void **state)
{
    (void)state;
    atomic_store(&taken, 0);
    pthread_t threads[6];
    int worst[6] = {0};
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &worst[i]), 0);
    }
    for (unsigned i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        assert_true(worst[i] <= 3);
    }
    assert_int_equal(taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_are_taken_than_there_are),
        cmocka_unit_test(nor_by_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

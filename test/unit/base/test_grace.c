#include "../cmocka_includes.h"

#include "base/grace.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>

/* What is behind the pointer is given back as soon as the writer may: a reader sees it whole. */
#define GOOD UINT64_C(0x600d600d600d600d)
#define BAD UINT64_C(0xbadbadbadbadbad0)
#define CHANGES 400

static struct grace grace;
static struct grace_reader readers[2];
static uint64_t *_Atomic current;
static atomic_bool stopping;
static atomic_uint looking; /* threads */

static void *look(void *argument)
{
    struct grace_reader *reader = argument;
    uintptr_t wrong = 0;
    atomic_fetch_add(&looking, 1);
    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
        grace_enter(&grace, reader);
        wrong += *atomic_load(&current) != GOOD;
        grace_leave(reader);
    }
    return (void *)wrong;
}

static uint64_t *make_good(void)
{
    uint64_t *value = malloc(sizeof *value);
    assert_non_null(value);
    *value = GOOD;
    return value;
}

static void change_under_readers(void)
{
    atomic_store(&stopping, false);
    atomic_store(&looking, 0);
    atomic_store(&current, make_good());
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, look, &readers[i]), 0);
    }
    while (atomic_load(&looking) < 2) {
        sched_yield(); /* on a busy machine the changes could else be over before anyone looks */
    }
    for (unsigned i = 0; i < CHANGES; i++) {
        uint64_t *before = atomic_exchange(&current, make_good());
        grace_pass_barriers(&grace);
        grace_wait(&readers[0]);
        grace_wait(&readers[1]);
        *before = BAD;
        free(before);
    }
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < 2; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    free(atomic_load(&current));
}

static void nobody_looks_at_what_is_given_back(void **state)
{
    (void)state;
    grace_init(&grace);
    change_under_readers();
}

static void nor_where_there_is_no_membarrier(void **state)
{
    (void)state;
    atomic_store(&grace.fences, true);
    change_under_readers();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_looks_at_what_is_given_back),
        cmocka_unit_test(nor_where_there_is_no_membarrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

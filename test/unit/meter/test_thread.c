/* Threads that come, go and fork: whose the shards are, and what may be freed when. */
#include "../cmocka_includes.h"

#include "meter/family.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD 70 /* at once: more than there are shards */
#define CROWDS 30
#define CHILD_SECONDS 30 /* until a child that hangs is killed */

static pthread_barrier_t all_alive;
static int stop;

static int set_up(void **state)
{
    *state = meter_new(NULL);
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    meter_free(*state);
    return 0;
}

static struct meter_family *labelled_family(struct meter *meter, uint32_t max_series)
{
    return meter_register(meter,
                          &(struct meter_description){.type = METER_COUNTER,
                                                      .name = "c_total",
                                                      .labels = METER_LABELS("l"),
                                                      .max_series = max_series},
                          NULL);
}

static void *count_among_others(void *counter)
{
    meter_counter_inc(counter);
    pthread_barrier_wait(&all_alive);
    meter_counter_inc(counter);
    return NULL;
}

static void thousands_of_threads_lose_nothing(void **state)
{
    struct meter_counter *counter = meter_new_counter(*state, "a_total", NULL);
    pthread_t crowd[CROWD];
    pthread_barrier_init(&all_alive, NULL, CROWD);
    for (int i = 0; i < CROWDS; i++) {
        for (int j = 0; j < CROWD; j++) {
            assert_int_equal(pthread_create(&crowd[j], NULL, count_among_others, counter), 0);
        }
        for (int j = 0; j < CROWD; j++) {
            pthread_join(crowd[j], NULL);
        }
    }
    pthread_barrier_destroy(&all_alive);
    assert_true(meter_counter_value(counter) == 2.0 * CROWD * CROWDS);
    /* All went, so a shard is free again. */
    assert_int_equal(meter_thread_prepare(*state), 0);
}

static void *leave_open(void *family)
{
    (void)meter_thread_prepare(((struct meter_family *)family)->meter);
    meter_enter();
    meter_counter_inc(meter_counter_lookup(family, METER_LABELS("gone")));
    return NULL;
}

static void a_thread_that_ends_inside_a_section_keeps_nothing(void **state)
{
    struct meter_family *family = labelled_family(*state, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, leave_open, family);
    pthread_join(thread, NULL);
    assert_int_equal(meter_remove_all(family), 1);
    assert_null(family->retired);
    assert_non_null(family->free_series);
}

static void a_section_keeps_what_is_removed_meanwhile(void **state)
{
    struct meter_family *family = labelled_family(*state, 0);
    (void)meter_thread_prepare(*state);
    meter_enter();
    meter_enter();
    struct meter_counter *counter = meter_counter_lookup(family, METER_LABELS("a"));
    meter_leave();
    assert_int_equal(meter_remove_all(family), 1);
    assert_ptr_equal(family->retired, counter);
    assert_ptr_not_equal(meter_counter_lookup(family, METER_LABELS("b")), counter);
    meter_leave();
    assert_int_equal(meter_remove_all(family), 1);
    assert_null(family->retired);
}

static void a_family_that_grows_keeps_one_table(void **state)
{
    struct meter_family *family = labelled_family(*state, 0);
    for (int i = 0; i < 1000; i++) {
        char label[16];
        snprintf(label, sizeof label, "%d", i);
        meter_counter_inc(meter_counter_lookup(family, METER_LABELS(label)));
    }
    assert_null(family->retired_tables);
}

/* ---- fork ---- */

static void *work(void *family)
{
    for (int i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        char label[16];
        snprintf(label, sizeof label, "%d", i % 30);
        meter_enter();
        meter_counter_inc(meter_counter_lookup(family, METER_LABELS(label)));
        meter_leave();
        if (i % 20 == 0) {
            (void)meter_remove(family, METER_LABELS("7"));
            free(meter_render(((struct meter_family *)family)->meter, METER_PROTOBUF, NULL));
        }
    }
    return NULL;
}

static int wait_for(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Everything still works in the child, from zero. */
static int use_in_child(struct meter *meter, struct meter_family *family,
                        struct meter_counter *held)
{
    meter_after_fork_in_child(meter);
    if (meter_counter_value(held) != 0 || meter_series_refused(family) != 0) {
        return 1;
    }
    meter_counter_add(held, 3);
    (void)meter_remove(family, METER_LABELS("8"));
    meter_counter_inc(meter_counter_lookup(family, METER_LABELS("8")));
    char *page = meter_render(meter, METER_TEXT, NULL);
    bool right = page != NULL && strstr(page, "c_total{l=\"held\"} 3\n") != NULL &&
                 strstr(page, "c_total{l=\"8\"} 1\n") != NULL;
    free(page);
    return right ? 0 : 2;
}

/* AddressSanitizer's allocator may be locked in the child, by a thread that is not there. */
#ifdef __SANITIZE_ADDRESS__
#define FORKING_THREADS 0
#else
#define FORKING_THREADS 3
#endif

static void a_program_with_threads_forks(void **state)
{
    struct meter_family *family = labelled_family(*state, 20);
    struct meter_counter *held = meter_counter_get(family, METER_LABELS("held"));
    pthread_t threads[3];
    meter_counter_add(held, 5);
    stop = 0;
    for (int i = 0; i < FORKING_THREADS; i++) {
        pthread_create(&threads[i], NULL, work, family);
    }
    for (int i = 0; i < 10; i++) {
        meter_before_fork(*state);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(CHILD_SECONDS);
            _exit(use_in_child(*state, family, held));
        }
        meter_after_fork_in_parent(*state);
        assert_int_equal(wait_for(child), 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < FORKING_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_true(meter_counter_value(held) == 5);
}

static void *take_shard(void *ret_shard)
{
    *(uint32_t *)ret_shard = thread_shard();
    pthread_barrier_wait(&all_alive);
    pthread_barrier_wait(&all_alive); /* until the other one has its shard */
    return NULL;
}

/* Two registries: what the second one is told must not take the shard of a thread begun since. */
static int use_two_in_child(struct meter *first, struct meter *second)
{
    uint32_t shards[2] = {NO_SHARD, NO_SHARD};
    pthread_t threads[2];
    pthread_barrier_init(&all_alive, NULL, 2);
    meter_after_fork_in_child(first);
    pthread_create(&threads[0], NULL, take_shard, &shards[0]);
    pthread_barrier_wait(&all_alive);
    meter_after_fork_in_child(second);
    shards[1] = thread_shard();
    pthread_barrier_wait(&all_alive);
    pthread_join(threads[0], NULL);
    return shards[0] != shards[1] && shards[0] < SHARED_SHARD ? 0 : 1;
}

static void a_child_with_two_registries_keeps_its_threads_apart(void **state)
{
    struct meter *second = meter_new(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS);
        _exit(use_two_in_child(*state, second));
    }
    assert_int_equal(wait_for(child), 0);
    meter_free(second);
}

#define THREAD_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, because then this thread has no shard yet. */
        THREAD_TEST(a_child_with_two_registries_keeps_its_threads_apart),
        THREAD_TEST(thousands_of_threads_lose_nothing),
        THREAD_TEST(a_thread_that_ends_inside_a_section_keeps_nothing),
        THREAD_TEST(a_section_keeps_what_is_removed_meanwhile),
        THREAD_TEST(a_family_that_grows_keeps_one_table),
        THREAD_TEST(a_program_with_threads_forks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/clock.h"
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define MY_TOKEN loop_token(LOOP_KIND_FIRST_FREE, 3, 9)

/* A loop and a pipe that is readable: whatever else waits, loop_wait returns. */
static struct loop loop;
static int pipe_ends[2];

static int begin(void **state)
{
    (void)state;
    return loop_init(&loop) != 0 || pipe(pipe_ends) != 0 || write(pipe_ends[1], "x", 1) != 1;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (pipe_ends[i] >= 0) {
            close(pipe_ends[i]);
        }
    }
    loop_destroy(&loop);
    loop_destroy(&loop); /* as after a failed start */
    return 0;
}

static void watch_pipe(void)
{
    assert_int_equal(loop_add(&loop, pipe_ends[0], EPOLLIN, MY_TOKEN), 0);
}

/* How many of the events of the last wait are of that kind. */
static int count_of(int events, uint8_t kind)
{
    int count = 0;
    for (int i = 0; i < events; i++) {
        count += loop_token_kind(loop.events[i].data.u64) == kind;
    }
    return count;
}

/* What is ready without waiting for anything: the pipe's event ends the wait. */
static int ready_now(uint8_t kind)
{
    return count_of(loop_wait(&loop), kind);
}

static void tokens_keep_their_parts(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 255, 0xffffff, 0x1000000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(values); k++) {
            uint64_t token = loop_token(255, values[i], values[k]);
            assert_int_equal(loop_token_kind(token), 255);
            assert_int_equal(loop_token_generation(token), values[i] & 0xffffff);
            assert_int_equal(loop_token_index(token), values[k]);
            assert_int_equal(loop_token_kind(loop_token(2, values[i], values[k])), 2);
        }
    }
}

static void reports_what_is_watched_until_it_is_not(void **state)
{
    (void)state;
    watch_pipe();
    assert_int_equal(loop_add(&loop, pipe_ends[0], EPOLLIN, MY_TOKEN), -EEXIST);
    assert_int_equal(loop_add(&loop, -1, EPOLLIN, MY_TOKEN), -EBADF);
    for (int i = 0; i < 2; i++) { /* level-triggered: until it is read */
        assert_int_equal(loop_wait(&loop), 1);
        assert_true(loop.events[0].data.u64 == MY_TOKEN);
        assert_int_equal(loop.events[0].events, EPOLLIN);
    }
    loop_modify(&loop, pipe_ends[0], EPOLLIN, loop_token(7, 1, 2));
    assert_int_equal(loop_wait(&loop), 1);
    assert_true(loop.events[0].data.u64 == loop_token(7, 1, 2));
    loop_modify(&loop, pipe_ends[0], 0, MY_TOKEN);
    loop_wake(&loop);
    assert_int_equal(loop_wait(&loop), 1);
    assert_int_equal(count_of(1, LOOP_KIND_WAKE), 1);
    close(pipe_ends[1]);
    pipe_ends[1] = -1;
    assert_int_equal(loop_wait(&loop), 1); /* a hang-up is told though nothing was asked for */
    assert_true(loop.events[0].data.u64 == MY_TOKEN);
    assert_int_equal(loop.events[0].events, EPOLLHUP);
    close(pipe_ends[0]); /* which takes it out */
    pipe_ends[0] = -1;
    loop_wake(&loop);
    assert_int_equal(loop_wait(&loop), 1);
    assert_int_equal(count_of(1, LOOP_KIND_WAKE), 1);
}

/* Waits as a worker does: the deadline is set before each wait. */
static void wait_until(int64_t deadline_ns)
{
    bool fired = false;
    while (!fired || clock_monotonic_ns() < deadline_ns) {
        loop_set_deadline(&loop, deadline_ns);
        int events = loop_wait(&loop);
        fired = count_of(events, LOOP_KIND_TIMER) == 1;
    }
}

static void ends_at_the_deadline(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        wait_until(clock_monotonic_ns() + 3 * NS_PER_MS);
    }
}

static void a_past_deadline_ends_the_wait_at_once(void **state)
{
    (void)state;
    const int64_t past[] = {clock_monotonic_ns() - 1, 1, 0, -1, INT64_MIN + 1};
    for (size_t i = 0; i < ARRAY_LENGTH(past); i++) {
        loop_set_deadline(&loop, past[i]);
        assert_int_equal(loop_wait(&loop), 1);
        assert_int_equal(count_of(1, LOOP_KIND_TIMER), 1);
        loop_set_deadline(&loop, INT64_MAX);
    }
}

static void an_earlier_deadline_comes_first(void **state)
{
    (void)state;
    int64_t now_ns = clock_monotonic_ns();
    loop_set_deadline(&loop, now_ns + 3600 * NS_PER_S);
    loop_set_deadline(&loop, now_ns + 5 * NS_PER_MS);
    assert_int_equal(loop_wait(&loop), 1); /* else the test hangs for an hour */
    assert_int_equal(count_of(1, LOOP_KIND_TIMER), 1);
    assert_true(clock_monotonic_ns() >= now_ns + 5 * NS_PER_MS);
}

/* A later one may be ignored at first, but must be kept after the earlier one has come. */
static void a_later_deadline_is_kept_too(void **state)
{
    (void)state;
    int64_t now_ns = clock_monotonic_ns();
    loop_set_deadline(&loop, now_ns + NS_PER_MS);
    wait_until(now_ns + 10 * NS_PER_MS);
}

static void after_it_fired_the_timer_is_silent_until_set(void **state)
{
    (void)state;
    watch_pipe();
    loop_set_deadline(&loop, 1);
    while (ready_now(LOOP_KIND_TIMER) == 0) {
    }
    loop_set_deadline(&loop, INT64_MAX);
    assert_int_equal(ready_now(LOOP_KIND_TIMER), 0);
    loop_set_deadline(&loop, clock_monotonic_ns() + 3600 * NS_PER_S);
    assert_int_equal(ready_now(LOOP_KIND_TIMER), 0);
    loop_set_deadline(&loop, 1);
    while (ready_now(LOOP_KIND_TIMER) == 0) {
    }
}

static void *wake_it(void *unused)
{
    (void)unused;
    loop_wake(&loop);
    return NULL;
}

static void another_thread_wakes_it(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake_it, NULL), 0);
        assert_int_equal(loop_wait(&loop), 1);
        assert_int_equal(count_of(1, LOOP_KIND_WAKE), 1);
        pthread_join(thread, NULL);
    }
}

static void many_wakes_are_one_event(void **state)
{
    (void)state;
    watch_pipe();
    for (int i = 0; i < 1000; i++) {
        loop_wake(&loop);
    }
    assert_int_equal(ready_now(LOOP_KIND_WAKE), 1);
    assert_int_equal(ready_now(LOOP_KIND_WAKE), 0);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void a_signal_ends_the_wait_without_events(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    /* Again and again: the first may come before the wait has begun. */
    struct itimerval often = {.it_interval.tv_usec = 1000, .it_value.tv_usec = 1000}, stop = {0};
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(loop_wait(&loop), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &stop, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

static void without_descriptors_nothing_is_left_open(void **state)
{
    (void)state;
    struct rlimit before, lower;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int free_fd = dup(0);
    assert_true(free_fd >= 0);
    close(free_fd);
    unsigned open_before = open_descriptors();
    for (unsigned room = 0; room < 3; room++) {
        lower = (struct rlimit){.rlim_cur = (rlim_t)free_fd + room, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
        struct loop another;
        int error = loop_init(&another);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(error, -EMFILE);
        assert_int_equal(open_descriptors(), open_before);
    }
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_keep_their_parts),
        LOOP_TEST(reports_what_is_watched_until_it_is_not),
        LOOP_TEST(ends_at_the_deadline),
        LOOP_TEST(a_past_deadline_ends_the_wait_at_once),
        LOOP_TEST(an_earlier_deadline_comes_first),
        LOOP_TEST(a_later_deadline_is_kept_too),
        LOOP_TEST(after_it_fired_the_timer_is_silent_until_set),
        LOOP_TEST(another_thread_wakes_it),
        LOOP_TEST(many_wakes_are_one_event),
        LOOP_TEST(a_signal_ends_the_wait_without_events),
        cmocka_unit_test(without_descriptors_nothing_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

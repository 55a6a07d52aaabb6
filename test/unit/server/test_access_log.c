#include "../cmocka_includes.h"

#include "base/clock.h"
#include "server/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RINGS 2

static struct log_ring ring_memory[RINGS];
static struct log_ring *rings[RINGS] = {&ring_memory[0], &ring_memory[1]};

static int make(void **state)
{
    (void)state;
    return log_ring_initialise(rings[0], 65536) + log_ring_initialise(rings[1], 65536);
}

static int release(void **state)
{
    (void)state;
    log_ring_release(rings[0]);
    log_ring_release(rings[1]);
    return 0;
}

static struct access_log *start(int fd)
{
    const struct access_log_settings settings = {
        .rings = rings, .ring_count = RINGS, .format = LOG_TEXT, .fd = fd};
    struct access_log *log = NULL;
    assert_int_equal(access_log_start(&settings, &log), 0);
    return log;
}

static bool push(struct log_ring *ring, uint64_t number)
{
    const struct access_record record = {
        .response_bytes = number, .status = 200, .method_length = 3, .target_length = 5};
    return log_ring_push(ring, &record, "GET", "/path");
}

static int64_t seconds_from_now(int seconds)
{
    return clock_monotonic_ns() + seconds * NS_PER_S;
}

/* Reads lines to the end; checks that the numbers of each kind (n % RINGS) rise; returns count. */
static uint64_t count_lines(int fd)
{
    FILE *stream = fdopen(fd, "r");
    assert_non_null(stream);
    char line[256];
    uint64_t lines = 0;
    int64_t last[RINGS] = {-1, -1};
    while (fgets(line, sizeof line, stream) != NULL) {
        long long number = -1;
        const char *status = strstr(line, " unix GET /path 200 ");
        if (status == NULL || sscanf(status, " unix GET /path 200 %lld delay", &number) != 1 ||
            number <= last[number % RINGS]) {
            fail_msg("line %llu: %s", (unsigned long long)lines, line);
        }
        last[number % RINGS] = number;
        lines++;
    }
    fclose(stream);
    return lines;
}

static void writes_every_line_to_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_access_log_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct access_log *log = start(fd);
    for (uint64_t number = 0; number < 20000; number++) {
        while (!push(rings[number % RINGS], number)) {
            sched_yield();
        }
    }
    uint64_t dropped = 0;
    uint64_t in_rings = log_ring_dropped(rings[0]) + log_ring_dropped(rings[1]);
    assert_int_equal(access_log_stop(log, seconds_from_now(30), &dropped), 0);
    assert_int_equal(dropped, in_rings); /* those that were tried again */
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(count_lines(fd), 20000);
    unlink(path);
}

static void *count_lines_of_pipe(void *argument)
{
    uint64_t *lines = argument;
    *lines = count_lines((int)*lines);
    return NULL;
}

static void writes_every_line_to_a_pipe_that_is_read(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct access_log *log = start(ends[1]);
    uint64_t lines = (uint64_t)ends[0];
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, count_lines_of_pipe, &lines), 0);
    for (uint64_t number = 0; number < 20000; number++) {
        while (!push(rings[number % RINGS], number)) {
            sched_yield();
        }
    }
    assert_int_equal(access_log_stop(log, seconds_from_now(30), NULL), 0);
    close(ends[1]);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(lines, 20000);
}

/* The line comes without any further push or a stop: the sleeping thread was woken. */
static void a_single_line_arrives_by_itself(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct access_log *log = start(ends[1]);
    for (uint64_t number = 0; number < 3; number++) {
        assert_true(push(rings[0], number));
        char line[256];
        ssize_t got = read(ends[0], line, sizeof line - 1);
        assert_true(got > 0 && line[got - 1] == '\n');
        while (number == 1 && !atomic_load(&rings[0]->signal->asleep)) {
            sched_yield();
        }
    }
    assert_int_equal(access_log_stop(log, seconds_from_now(30), NULL), 0);
    close(ends[0]);
    close(ends[1]);
}

/* Fills `fd`, whose reader does not read, until pushes are dropped; no push may wait. */
static void fill_and_stop(int fd, uint64_t *ret_pushed, uint64_t *ret_dropped)
{
    struct access_log *log = start(fd);
    uint64_t pushed = 0;
    while (log_ring_dropped(rings[0]) < 1000) {
        push(rings[0], 2 * pushed++);
        if (pushed % 64 == 0) {
            sched_yield();
        }
    }
    assert_true(access_log_lines_dropped(log) >= 1000);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    /* At its deadline the log gives up, while the reader still does not read. */
    assert_int_equal(access_log_stop(log, clock_monotonic_ns() + 50 * NS_PER_MS, ret_dropped), 0);
    *ret_pushed = pushed;
}

static void a_blocked_pipe_costs_lines_only(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    uint64_t pushed = 0, dropped = 0;
    fill_and_stop(ends[1], &pushed, &dropped);
    close(ends[1]);
    /* What was written is there, whole; every other line was counted. */
    assert_int_equal(count_lines(ends[0]) + dropped, pushed);
}

static void a_blocked_socket_costs_lines_only(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    uint64_t pushed = 0, dropped = 0;
    fill_and_stop(ends[1], &pushed, &dropped);
    assert_true(dropped >= 1000 && dropped < pushed);
    close(ends[0]);
    close(ends[1]);
}

static void goes_on_when_the_reader_comes_back(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct access_log *log = start(ends[1]);
    uint64_t number = 0;
    while (log_ring_dropped(rings[0]) == 0) {
        push(rings[0], 2 * number++);
        sched_yield();
    }
    uint64_t lines = (uint64_t)ends[0];
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, count_lines_of_pipe, &lines), 0);
    while (!push(rings[0], 2 * number)) {
        sched_yield(); /* until the rings are being drained again */
    }
    number++;
    uint64_t dropped = 0;
    assert_int_equal(access_log_stop(log, seconds_from_now(30), &dropped), 0);
    close(ends[1]);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_true(dropped >= 1);
    assert_true(lines > 0 && lines + dropped >= number);
}

static uint64_t lose_all(int fd, uint64_t lines)
{
    struct access_log *log = start(fd);
    for (uint64_t number = 0; number < lines; number++) {
        while (!push(rings[0], number)) {
            sched_yield();
        }
    }
    uint64_t dropped = 0, in_ring = log_ring_dropped(rings[0]);
    assert_int_equal(access_log_stop(log, seconds_from_now(30), &dropped), 0);
    return dropped - in_ring;
}

static void a_reader_that_left_costs_lines_only(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(lose_all(ends[1], 5000), 5000);
    close(ends[1]);
}

static void a_full_disk_costs_lines_only(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(lose_all(fd, 5000), 5000);
    close(fd);
}

static void a_closed_descriptor_costs_lines_only(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(lose_all(fd, 100), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_every_line_to_a_file, make, release),
        cmocka_unit_test_setup_teardown(writes_every_line_to_a_pipe_that_is_read, make, release),
        cmocka_unit_test_setup_teardown(a_single_line_arrives_by_itself, make, release),
        cmocka_unit_test_setup_teardown(a_blocked_pipe_costs_lines_only, make, release),
        cmocka_unit_test_setup_teardown(a_blocked_socket_costs_lines_only, make, release),
        cmocka_unit_test_setup_teardown(goes_on_when_the_reader_comes_back, make, release),
        cmocka_unit_test_setup_teardown(a_reader_that_left_costs_lines_only, make, release),
        cmocka_unit_test_setup_teardown(a_full_disk_costs_lines_only, make, release),
        cmocka_unit_test_setup_teardown(a_closed_descriptor_costs_lines_only, make, release),
    };
    signal(SIGPIPE, SIG_IGN); /* as the server does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "server/log_ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct log_ring ring;

static int make(void **state)
{
    (void)state;
    return log_ring_initialise(&ring, LOG_RING_MIN_BYTES);
}

static int release(void **state)
{
    (void)state;
    log_ring_release(&ring);
    return 0;
}

/* A record whose target and figures follow from its number, so that any mix-up shows. */
static bool push(uint64_t number)
{
    char target[ACCESS_TARGET_MAX_BYTES];
    size_t length = (number * 37) % (sizeof target + 1);
    memset(target, (int)('a' + number % 26), sizeof target);
    const struct access_record record = {.response_bytes = number,
                                         .status = 200,
                                         .method_length = 3,
                                         .target_length = (uint16_t)length};
    return log_ring_push(&ring, &record, "GET", target);
}

static void expect_entry(const struct log_entry *entry, uint64_t number)
{
    assert_int_equal(entry->record->response_bytes, number);
    assert_true(span_equals(entry->method, SPAN("GET")));
    assert_int_equal(entry->target.length, (number * 37) % (ACCESS_TARGET_MAX_BYTES + 1));
    for (size_t i = 0; i < entry->target.length; i++) {
        assert_int_equal(entry->target.data[i], 'a' + number % 26);
    }
}

static void refuses_odd_capacities(void **state)
{
    (void)state;
    struct log_ring other;
    assert_int_equal(log_ring_initialise(&other, LOG_RING_MIN_BYTES / 2), -EINVAL);
    assert_int_equal(log_ring_initialise(&other, LOG_RING_MIN_BYTES + 8), -EINVAL);
}

static void keeps_the_order_over_the_end(void **state)
{
    (void)state;
    struct log_entry entry;
    uint64_t pushed = 0, popped = 0;
    assert_false(log_ring_peek(&ring, &entry));
    while (popped < 5000) {
        while (pushed < 5000 && push(pushed)) {
            pushed++;
        }
        for (uint64_t some = popped % 3 + 1; some > 0 && log_ring_peek(&ring, &entry); some--) {
            expect_entry(&entry, popped++);
            log_ring_pop(&ring, &entry);
        }
    }
    assert_false(log_ring_peek(&ring, &entry));
}

static void counts_what_does_not_fit(void **state)
{
    (void)state;
    const struct access_record record = {.method_length = 3, .target_length = 5};
    uint64_t kept = 0;
    while (log_ring_push(&ring, &record, "GET", "/path")) {
        kept++;
    }
    assert_int_equal(kept, LOG_RING_MIN_BYTES / 80); /* 8 + 64 + 3 + 5 */
    assert_int_equal(log_ring_dropped(&ring), 1);
    assert_false(log_ring_push(&ring, &record, "GET", "/path"));
    assert_int_equal(log_ring_dropped(&ring), 2);
    struct log_entry entry;
    assert_true(log_ring_peek(&ring, &entry));
    log_ring_pop(&ring, &entry);
    assert_true(log_ring_push(&ring, &record, "GET", "/path"));
    assert_int_equal(log_ring_dropped(&ring), 2);
}

static bool was_told(const struct log_signal *signal)
{
    uint64_t count;
    return read(signal->event_fd, &count, sizeof count) == (ssize_t)sizeof count;
}

static void wakes_only_a_sleeper(void **state)
{
    (void)state;
    struct log_signal signal = {.event_fd = eventfd(0, EFD_NONBLOCK)};
    assert_true(signal.event_fd >= 0);
    ring.signal = &signal;
    assert_true(push(0));
    assert_false(was_told(&signal));
    atomic_store(&signal.asleep, true);
    assert_true(push(1));
    assert_true(was_told(&signal));
    assert_true(push(0));
    assert_false(was_told(&signal)); /* told once */
    close(signal.event_fd);
}

static void tells_once_when_half_full(void **state)
{
    (void)state;
    struct log_signal signal = {.event_fd = eventfd(0, EFD_NONBLOCK)};
    assert_true(signal.event_fd >= 0);
    ring.signal = &signal;
    const struct access_record record = {.target_length = 8}; /* 80 bytes in the ring */
    for (int round = 0; round < 3; round++) {
        for (size_t used = 80; used <= LOG_RING_MIN_BYTES / 2; used += 80) {
            assert_true(log_ring_push(&ring, &record, "", "12345678"));
            assert_false(was_told(&signal));
        }
        assert_true(log_ring_push(&ring, &record, "", "12345678"));
        assert_true(was_told(&signal));
        assert_true(log_ring_push(&ring, &record, "", "12345678"));
        assert_false(was_told(&signal));
        struct log_entry entry;
        while (log_ring_peek(&ring, &entry)) {
            log_ring_pop(&ring, &entry);
        }
    }
    close(signal.event_fd);
}

#define THREADED_RECORDS 200000

static void *produce(void *argument)
{
    (void)argument;
    for (uint64_t number = 0; number < THREADED_RECORDS; number++) {
        while (!push(number)) {
            sched_yield();
        }
    }
    return NULL;
}

static void hands_records_from_thread_to_thread(void **state)
{
    (void)state;
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
    for (uint64_t number = 0; number < THREADED_RECORDS; number++) {
        struct log_entry entry;
        while (!log_ring_peek(&ring, &entry)) {
            sched_yield();
        }
        if (entry.record->response_bytes != number) {
            fail_msg("record %llu is missing", (unsigned long long)number);
        }
        if (number % 64 == 0) {
            expect_entry(&entry, number);
        }
        log_ring_pop(&ring, &entry);
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_odd_capacities),
        cmocka_unit_test_setup_teardown(keeps_the_order_over_the_end, make, release),
        cmocka_unit_test_setup_teardown(counts_what_does_not_fit, make, release),
        cmocka_unit_test_setup_teardown(wakes_only_a_sleeper, make, release),
        cmocka_unit_test_setup_teardown(tells_once_when_half_full, make, release),
        cmocka_unit_test_setup_teardown(hands_records_from_thread_to_thread, make, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

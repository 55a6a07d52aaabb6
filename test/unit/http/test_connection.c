#include "engine_harness.h"

#include <sys/ioctl.h>

/* Timeouts that come as soon as the wheel turns. */
#define SHORT_NS NS_PER_MS

static const struct connection *only_connection(const struct harness *harness)
{
    return connection_at(&harness->engine, 0);
}

/* As when the wheel finds the timeout of the only connection over. */
static void let_time_out(struct harness *harness)
{
    struct connection *connection = connection_at(&harness->engine, 0);
    connection->deadline_ns = INT64_MAX;
    connection_timed_out(&harness->engine, connection);
    harness_check(harness);
}

static void states_and_reasons_have_the_documented_names(void **state)
{
    (void)state;
    /* docs/metrics.md: httpserver_connections, httpserver_connections_closed_total */
    static const char *const states[] = {"free",    "idle",    "reading_head", "reading_body",
                                         "waiting", "writing", "paused",       "lingering"};
    static const char *const reasons[] = {"client",       "complete",     "idle_timeout",
                                          "head_timeout", "body_timeout", "write_timeout",
                                          "bad_request",  "memory",       "content_failed",
                                          "fault",        "drain",        "cut_off"};
    assert_int_equal(ARRAY_LENGTH(states), CONNECTION_STATE_COUNT);
    assert_int_equal(ARRAY_LENGTH(reasons), CLOSE_REASON_COUNT);
    for (unsigned i = 0; i < CONNECTION_STATE_COUNT; i++) {
        assert_string_equal(connection_state_name((enum connection_state)i), states[i]);
    }
    for (unsigned i = 0; i < CLOSE_REASON_COUNT; i++) {
        assert_string_equal(close_reason_name((enum close_reason)i), reasons[i]);
    }
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.idle_timeout_ns = SHORT_NS;
    struct harness *harness = harness_open(&settings);
    struct client *fresh = client_connect(harness, 0);
    struct client *used = client_connect(harness, 0);
    client_say(used, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_closed(harness, CLOSE_IDLE_TIMEOUT, 2);
    harness_talk(harness, fresh);
    harness_talk(harness, used);
    assert_true(fresh->ended && used->ended);
    assert_int_equal(fresh->length, 0);
    assert_answer_to(used, "/a");
    assert_int_equal(client_unread(used), 0);
    assert_int_equal(harness->fake.completed_count, 1);
    client_close(fresh);
    client_close(used);
    harness_close(harness);
}

static void a_head_that_takes_too_long_is_answered_408(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.head_timeout_ns = SHORT_NS;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /a HTTP/1.1\r\nHo");
    while (harness->fake.completed_count == 0) {
        harness_turn(harness);
    }
    harness_talk(harness, client);
    struct answer answer = client_answer(client, false);
    assert_status(&answer, 408);
    assert_true(answer.closes && client->ended);
    assert_int_equal(harness->fake.completed[0].status, 408);
    assert_true(harness->fake.completed[0].refused);
    client_close(client);
    harness_settle(harness);
    assert_int_equal(harness_closed(harness, CLOSE_HEAD_TIMEOUT), 1);
    assert_nothing_held(harness);
    harness_close(harness);
}

/* Or who sends a byte now and then could go on for ever. */
static void more_of_a_head_does_not_prolong_its_time(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /a HT");
    harness_settle(harness);
    int64_t deadline_ns = only_connection(harness)->deadline_ns;
    client_say(client, "TP/1.1\r\n");
    harness_settle(harness);
    assert_int_equal(only_connection(harness)->deadline_ns, deadline_ns);
    /* The next head has its own time. */
    client_say(client, "Host: h\r\n\r\nGET /b");
    harness_settle(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_HEAD), 1);
    assert_true(only_connection(harness)->deadline_ns > deadline_ns);
    client_close(client);
    harness_close(harness);
}

static void a_body_that_makes_no_progress_is_answered_408(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.body_timeout_ns = SHORT_NS;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 0);
    client_say(client, "POST /a?delay=5 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc");
    while (harness->fake.completed_count == 0) {
        harness_turn(harness);
    }
    harness_talk(harness, client);
    struct answer answer = client_answer(client, false);
    assert_status(&answer, 408);
    assert_completed(harness, 0, "/a?delay=5", 408);
    assert_int_equal(harness->fake.responded, 0);
    client_close(client);
    harness_settle(harness);
    assert_int_equal(harness_closed(harness, CLOSE_BODY_TIMEOUT), 1);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void progress_of_a_body_prolongs_its_time(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    harness_settle(harness);
    int64_t deadline_ns = only_connection(harness)->deadline_ns;
    client_say(client, "a");
    harness_settle(harness);
    assert_true(only_connection(harness)->deadline_ns > deadline_ns);
    client_close(client);
    harness_close(harness);
}

static void who_takes_no_answer_is_cut_off(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.write_timeout_ns = SHORT_NS;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 1);
    client->read = client_block(harness, 0);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                       "GET /b?delay=1000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_closed(harness, CLOSE_WRITE_TIMEOUT, 1);
    assert_int_equal(harness->fake.completed_count, 2);
    assert_completed(harness, 0, "/a", 499);
    assert_completed(harness, 1, "/b?delay=1000", 499);
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

/* The kernel tells of room only when there is much of it. */
static void who_takes_something_is_not_cut_off(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client->read = client_block(harness, 0);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    client_receive(client, 8192);
    let_time_out(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
    client_receive(client, 8192);
    let_time_out(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
    let_time_out(harness);
    assert_int_equal(harness_closed(harness, CLOSE_WRITE_TIMEOUT), 1);
    client_close(client);
    harness_close(harness);
}

static void waiting_knows_no_timeout(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.idle_timeout_ns = SHORT_NS;
    settings.head_timeout_ns = SHORT_NS;
    settings.body_timeout_ns = SHORT_NS;
    settings.write_timeout_ns = SHORT_NS;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /a?delay=150000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    harness_until_completed(harness, 1);
    assert_completed(harness, 0, "/a?delay=150000000", 200);
    harness_talk(harness, client);
    assert_answer_to(client, "/a?delay=150000000");
    client_close(client);
    harness_close(harness);
}

/* A client leaves in different ways while its request waits. */
static void who_leaves_while_waiting_is_499(void **state)
{
    (void)state;
    enum { CLOSES, HALF_CLOSES, RESETS, CLOSES_WITH_MORE_SENT, WAYS };
    for (unsigned way = 0; way < WAYS; way++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect_over_ip(harness);
        client_say(client, "GET /a?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
        while (harness_in_state(harness, CONNECTION_WAITING) == 0) {
            harness_turn(harness);
        }
        if (way == CLOSES_WITH_MORE_SENT) {
            client_say(client, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
            harness_turn(harness);
        }
        if (way == HALF_CLOSES) {
            assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
        } else {
            struct linger at_once = {.l_onoff = 1};
            if (way == RESETS) {
                assert_int_equal(
                    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
            }
            client_leave(client);
        }
        harness_until_completed(harness, 1);
        assert_completed(harness, 0, "/a?delay=60000000000", 499);
        assert_int_equal(harness->fake.responded, 0);
        assert_int_equal(harness_closed(harness, CLOSE_CLIENT), 1);
        assert_int_equal(harness->engine.connections.in_use, 0);
        assert_nothing_held(harness);
        client_close(client);
        harness_close(harness);
    }
}

static void who_leaves_in_a_body_is_499_and_in_a_head_nothing(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc");
    harness_settle(harness);
    client_leave(client);
    harness_settle(harness);
    assert_int_equal(harness->fake.completed_count, 1);
    assert_completed(harness, 0, "/a", 499);
    struct client *other = client_connect(harness, 0);
    client_say(other, "GET /a HTTP/1.1\r\n");
    harness_settle(harness);
    client_leave(other);
    harness_settle(harness);
    assert_int_equal(harness->fake.completed_count, 1);
    assert_int_equal(harness_closed(harness, CLOSE_CLIENT), 2);
    assert_nothing_held(harness);
    client_close(client);
    client_close(other);
    harness_close(harness);
}

/* Requests that were sent whole before the half-close, and need no delay, are answered. */
static void what_was_sent_before_a_half_close_is_answered(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    harness_talk(harness, client);
    assert_answer_to(client, "/a");
    assert_answer_to(client, "/b");
    assert_true(client->ended && !client->reset);
    client_close(client);
    harness_close(harness);
}

/* RFC 9112, section 9.6: what still comes is dropped, so that the answer is not lost. */
static void behind_the_last_answer_input_is_dropped_until_the_client_closes(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect_over_ip(harness);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    while (harness_in_state(harness, CONNECTION_LINGERING) == 0) {
        harness_turn(harness);
    }
    static char more[20000];
    for (unsigned i = 0; i < 5; i++) {
        client_send(client, more, sizeof more);
        harness_settle(harness);
    }
    do {
        harness_settle(harness);
        client_receive(client, SIZE_MAX);
    } while (!client->ended);
    assert_false(client->reset);
    assert_answer_to(client, "/a");
    assert_int_equal(harness_in_state(harness, CONNECTION_LINGERING), 1);
    assert_nothing_held(harness);
    client_leave(client);
    harness_until_closed(harness, CLOSE_COMPLETE, 1);
    assert_int_equal(harness->fake.completed_count, 1);
    client_close(client);
    harness_close(harness);
}

static void lingering_ends_by_itself(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET / HTTP/1.1\r\n\r\n");
    harness_talk(harness, client);
    assert_int_equal(harness_in_state(harness, CONNECTION_LINGERING), 1);
    int64_t left_ns = only_connection(harness)->deadline_ns - clock_monotonic_ns();
    assert_true(left_ns <= 2 * NS_PER_S);
    let_time_out(harness);
    assert_int_equal(harness_closed(harness, CLOSE_BAD_REQUEST), 1);
    client_close(client);
    harness_close(harness);
}

/* Who still sends its body looks for the answer behind it; a few bytes keep no connection. */
static void much_that_is_dropped_prolongs_the_lingering(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET / HTTP/1.1\r\n\r\n");
    harness_talk(harness, client);
    assert_int_equal(harness_in_state(harness, CONNECTION_LINGERING), 1);
    int64_t deadline_ns = only_connection(harness)->deadline_ns;
    static char more[65536 - 1];
    client_send(client, more, sizeof more);
    harness_settle(harness);
    assert_int_equal(only_connection(harness)->deadline_ns, deadline_ns);
    client_send(client, more, 1);
    harness_settle(harness);
    int64_t prolonged_ns = only_connection(harness)->deadline_ns;
    assert_true(prolonged_ns > deadline_ns);
    client_send(client, more, 1);
    harness_settle(harness);
    assert_int_equal(only_connection(harness)->deadline_ns, prolonged_ns);
    let_time_out(harness);
    assert_int_equal(harness_closed(harness, CLOSE_BAD_REQUEST), 1);
    client_close(client);
    harness_close(harness);
}

/* An event of a connection that is gone must not touch the one that has its slot now. */
static void a_stale_event_does_not_touch_the_next_connection(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *first = client_connect(harness, 0);
    uint32_t before = only_connection(harness)->generation;
    client_leave(first);
    harness_settle(harness);
    struct client *second = client_connect(harness, 0);
    assert_int_equal(only_connection(harness)->generation, before + 1);
    client_say(second, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_talk(harness, second);
    assert_answer_to(second, "/a");
    client_close(first);
    client_close(second);
    harness_close(harness);
}

/* Of the same turn: one connection's event closes nothing of the other's. */
static void many_connections_come_and_go(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *clients[16];
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 16; i++) {
            clients[i] = client_connect(harness, 0);
            client_say(clients[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
            if (i % 3 == 0) {
                client_leave(clients[i]);
            }
        }
        harness_settle(harness);
        for (unsigned i = 0; i < 16; i++) {
            if (i % 3 != 0) {
                client_receive(clients[i], SIZE_MAX);
                assert_answer_to(clients[i], "/a");
            }
            client_close(clients[i]);
        }
        harness_settle(harness);
        assert_int_equal(harness->engine.connections.in_use, 0);
    }
    assert_nothing_held(harness);
    harness_close(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_and_reasons_have_the_documented_names),
        cmocka_unit_test(an_idle_connection_is_closed_without_a_word),
        cmocka_unit_test(a_head_that_takes_too_long_is_answered_408),
        cmocka_unit_test(more_of_a_head_does_not_prolong_its_time),
        cmocka_unit_test(a_body_that_makes_no_progress_is_answered_408),
        cmocka_unit_test(progress_of_a_body_prolongs_its_time),
        cmocka_unit_test(who_takes_no_answer_is_cut_off),
        cmocka_unit_test(who_takes_something_is_not_cut_off),
        cmocka_unit_test(waiting_knows_no_timeout),
        cmocka_unit_test(who_leaves_while_waiting_is_499),
        cmocka_unit_test(who_leaves_in_a_body_is_499_and_in_a_head_nothing),
        cmocka_unit_test(what_was_sent_before_a_half_close_is_answered),
        cmocka_unit_test(behind_the_last_answer_input_is_dropped_until_the_client_closes),
        cmocka_unit_test(lingering_ends_by_itself),
        cmocka_unit_test(much_that_is_dropped_prolongs_the_lingering),
        cmocka_unit_test(a_stale_event_does_not_touch_the_next_connection),
        cmocka_unit_test(many_connections_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

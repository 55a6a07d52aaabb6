#include "engine_harness.h"

#define SMALL_SEND_BUFFER 1 /* the kernel takes its own minimum */

static void say_get(struct client *client, const char *target)
{
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    client_say(client, request);
}

/* Goes on, over pauses too, until so many exchanges are complete. */
static void talk_until_completed(struct harness *harness, struct client *client, unsigned count)
{
    harness_talk(harness, client);
    while (harness->fake.completed_count < count) {
        harness_turn(harness);
        harness_talk(harness, client);
    }
}

static void until_paused(struct harness *harness)
{
    while (harness_in_state(harness, CONNECTION_PAUSED) == 0) {
        harness_turn(harness);
    }
}

static void paced_content_arrives_whole(void **state)
{
    (void)state;
    static const char *const targets[] = {"/?stream=5000&piece=1000&pause=1000000",
                                          "/?stream=5000&piece=1000&pause=1000000&known",
                                          "/?stream=60000&piece=20000&pause=1000000",
                                          "/?stream=60000&piece=20000&pause=1000000&known"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        bool known = fake_has(span_from_string(targets[i]), "known");
        size_t length = fake_number(span_from_string(targets[i]), "stream=", 100000, 0);
        for (unsigned minor = 0; minor < 2; minor++) {
            struct harness *harness = harness_open_default();
            struct client *client = client_connect(harness, 0);
            char request[128];
            snprintf(request, sizeof request, "GET %s HTTP/1.%u\r\nHost: h\r\n\r\n", targets[i],
                     minor);
            client_say(client, request);
            talk_until_completed(harness, client, 1);
            struct answer answer = client_answer(client, false);
            assert_status(&answer, 200);
            assert_pattern(answer.content, length);
            assert_int_equal(answer.chunked, minor == 1 && !known);
            assert_int_equal(answer.to_end, minor == 0 && !known);
            assert_completed(harness, 0, targets[i], 200);
            assert_int_equal(harness->fake.completed[0].content_bytes, length);
            assert_true(harness->fake.completed[0].total_ns >= 2000000);
            assert_int_equal(harness->fake.sources_closed_whole, 1);
            client_close(client);
            harness_settle(harness);
            assert_nothing_held(harness);
            harness_close(harness);
        }
    }
}

/* While it pauses, a connection holds its exchange and nothing else. */
static void a_pause_holds_no_buffer_and_keeps_no_other_waiting(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    struct client *other = client_connect(harness, 0);
    say_get(client, "/?stream=5000&piece=1000&pause=60000000000&kept=30000");
    say_get(client, "/behind");
    harness_talk(harness, client);
    assert_int_equal(harness_in_state(harness, CONNECTION_PAUSED), 1);
    const struct connection *connection = connection_at(&harness->engine, 0);
    assert_null(connection->output);
    assert_true(block_pool_block_bytes(&harness->engine.held, connection->exchange) < 1024);
    assert_int_equal(connection->deadline_ns, INT64_MAX);
    assert_true(client->length > 1000);
    say_get(other, "/other");
    harness_talk(harness, other);
    assert_answer_to(other, "/other");
    assert_int_equal(harness_in_state(harness, CONNECTION_PAUSED), 1);
    client_close(client);
    client_close(other);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void requests_behind_paced_content_are_answered_in_order(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    say_get(client, "/before");
    say_get(client, "/?stream=300&piece=100&pause=1000000");
    say_get(client, "/?delay=1000000&stream=500&piece=300&pause=1000000");
    say_get(client, "/behind");
    talk_until_completed(harness, client, 4);
    assert_answer_to(client, "/before");
    struct answer answer = client_answer(client, false);
    assert_pattern(answer.content, 300);
    answer = client_answer(client, false);
    assert_pattern(answer.content, 500);
    assert_answer_to(client, "/behind");
    client_close(client);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void who_leaves_in_a_pause_frees_everything_at_once(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, 0);
        say_get(client, "/?stream=5000&piece=1000&pause=60000000000");
        if (way == 2) {
            say_get(client, "/behind"); /* unread bytes in front of the end do not hide it */
        }
        harness_talk(harness, client);
        assert_int_equal(harness_in_state(harness, CONNECTION_PAUSED), 1);
        if (way == 1) {
            assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
        } else {
            client_leave(client);
        }
        harness_settle(harness);
        assert_int_equal(harness_closed(harness, CLOSE_CLIENT), 1);
        assert_completed(harness, 0, "/?stream=5000&piece=1000&pause=60000000000", 499);
        assert_int_equal(harness->fake.completed_count, 1);
        assert_int_equal(harness->fake.sources_closed_cut, 1);
        assert_nothing_held(harness);
        client_close(client);
        harness_close(harness);
    }
}

/* A pause of ours is not the client's; one that takes nothing is cut off all the same. */
static void the_write_timeout_knows_our_pauses(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.write_timeout_ns = 20 * NS_PER_MS;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 0);
    say_get(client, "/?stream=200&piece=100&pause=100000000");
    talk_until_completed(harness, client, 1);
    assert_completed(harness, 0, "/?stream=200&piece=100&pause=100000000", 200);
    struct client *stuck = client_connect(harness, SMALL_SEND_BUFFER);
    say_get(stuck, "/?stream=9000000&piece=10000&pause=1000");
    harness_until_closed(harness, CLOSE_WRITE_TIMEOUT, 1);
    assert_completed(harness, 1, "/?stream=9000000&piece=10000&pause=1000", 499);
    client_close(client);
    client_close(stuck);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void draining_ends_what_has_no_end_and_finishes_the_rest(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *endless = client_connect(harness, 0);
    struct client *drip = client_connect(harness, 0);
    say_get(endless, "/?stream=1000&piece=10&endless");
    say_get(drip, "/?stream=300&piece=100&pause=30000000");
    harness_talk(harness, endless);
    harness_talk(harness, drip);
    until_paused(harness);
    assert_int_equal(harness->fake.completed_count, 0);
    engine_request_drain(&harness->engine);
    harness_turn(harness);
    assert_completed(harness, 0, "/?stream=1000&piece=10&endless", 200);
    while (harness->running) {
        harness_turn(harness);
    }
    client_receive(endless, SIZE_MAX);
    client_receive(drip, SIZE_MAX);
    assert_int_equal(harness->cut_off, 0);
    struct answer answer = client_answer(endless, false);
    assert_pattern(answer.content, 10);
    answer = client_answer(drip, false);
    assert_pattern(answer.content, 300);
    assert_completed(harness, 1, "/?stream=300&piece=100&pause=30000000", 200);
    client_close(endless);
    client_close(drip);
    harness_close(harness);
}

static void stopping_cuts_a_pause_off(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    say_get(client, "/?stream=300&piece=100&pause=60000000000");
    harness_talk(harness, client);
    engine_request_stop(&harness->engine);
    harness_turn(harness);
    assert_false(harness->running);
    assert_int_equal(harness->cut_off, 1);
    assert_completed(harness, 0, "/?stream=300&piece=100&pause=60000000000", 499);
    client_close(client);
    harness_close(harness);
}

static void content_of_known_length_says_so(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 1000, 16384, 40960, 40961, 500000};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
        char request[256];
        snprintf(request, sizeof request,
                 "HEAD /?stream=%zu&known HTTP/1.1\r\nHost: h\r\n\r\n"
                 "GET /?stream=%zu&known HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                 "GET /?stream=%zu&known HTTP/1.1\r\nHost: h\r\n\r\n",
                 sizes[i], sizes[i], sizes[i]);
        client_say(client, request);
        talk_until_completed(harness, client, 3);
        char length[32];
        snprintf(length, sizeof length, "%zu", sizes[i]);
        for (unsigned k = 0; k < 3; k++) {
            struct answer answer = client_answer(client, k == 0);
            assert_status(&answer, 200);
            assert_true(
                span_equals(answer_field(&answer, "content-length"), span_from_string(length)));
            assert_pattern(answer.content, k == 0 ? 0 : sizes[i]);
        }
        client_close(client);
        harness_close(harness);
    }
}

/* Reads to the end, over IP, where a reset is one. */
static void read_to_the_end(struct harness *harness, struct client *client)
{
    do {
        if (harness->engine.delays.count > 0) {
            harness_turn(harness);
        }
        harness_settle(harness);
        client_receive(client, SIZE_MAX);
    } while (!client->ended);
}

static void a_reset_comes_where_it_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        bool head;      /* arrives whole */
        size_t content; /* bytes of it that arrive, in the output's framing */
    } cuts[] = {
        {"/?cut=1", false, 0},
        {"/?cut=1&stream=50000", false, 0},
        {"/?delay=1000000&cut=1", false, 0},
        {"/?cut=2", false, 0},
        {"/?cut=2&stream=50000&known", false, 0},
        {"/?cut=3&content=1000", true, 500},
        {"/?cut=3&empty", true, 0},
        {"/?cut=3&stream=1000&known", true, 500},
        {"/?cut=3&stream=100000&known", true, 50000},
        {"/?reset=7000&known", true, 7000},
        {"/?reset=70000&known", true, 70000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cuts); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect_over_ip(harness);
        say_get(client, "/before");
        say_get(client, cuts[i].target);
        say_get(client, "/behind");
        read_to_the_end(harness, client);
        assert_true(client->reset);
        assert_answer_to(client, "/before");
        struct span rest = span_of(client->memory + client->read, client_unread(client));
        const char *end = rest.length == 0 ? NULL : memmem(rest.data, rest.length, "\r\n\r\n", 4);
        assert_int_equal(end != NULL, cuts[i].head);
        if (cuts[i].head) {
            assert_int_equal(rest.data + rest.length - end - 4, cuts[i].content);
        } else {
            assert_int_equal(rest.length > 0, fake_has(span_from_string(cuts[i].target), "cut=2"));
        }
        assert_int_equal(harness->fake.completed_count, 2);
        assert_completed(harness, 0, "/before", 200);
        assert_completed(harness, 1, cuts[i].target, 444);
        assert_int_equal(harness->fake.completed[1].content_bytes, cuts[i].content);
        assert_int_equal(harness_closed(harness, CLOSE_FAULT), 1);
        assert_nothing_held(harness);
        client_close(client);
        harness_close(harness);
    }
}

/* In chunks, and where the close would end the content: what came must not seem whole. */
static void content_without_length_is_cut_behind_a_piece(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/?cut=3&stream=500", "/?cut=3&stream=500&piece=100&pause=1000000",
        "/?reset=200&piece=100&pause=1000000", "/?cut=3&stream=0"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        for (unsigned minor = 0; minor < 2; minor++) {
            struct harness *harness = harness_open_default();
            struct client *client = client_connect_over_ip(harness);
            char request[128];
            snprintf(request, sizeof request, "GET %s HTTP/1.%u\r\nHost: h\r\n\r\n", targets[i],
                     minor);
            client_say(client, request);
            read_to_the_end(harness, client);
            assert_true(client->reset);
            struct span got = span_of(client->memory, client->length);
            assert_non_null(memmem(got.data, got.length, "\r\n\r\n", 4));
            assert_null(memmem(got.data, got.length, "\r\n0\r\n", 5));
            assert_completed(harness, 0, targets[i], 444);
            assert_true(harness->fake.completed[0].content_bytes < 500);
            assert_nothing_held(harness);
            client_close(client);
            harness_close(harness);
        }
    }
}

/* The answers before are not taken along, though the peer is slow. */
static void a_reset_waits_for_the_answers_before(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
    for (unsigned i = 0; i < 20; i++) {
        say_get(client, "/?content=1000");
    }
    say_get(client, "/?cut=2");
    say_get(client, "/behind");
    harness_talk(harness, client);
    for (unsigned i = 0; i < 20; i++) {
        struct answer answer = client_answer(client, false);
        assert_pattern(answer.content, 1000);
    }
    assert_true(client->ended && client_unread(client) > 0);
    assert_int_equal(harness->fake.completed_count, 21);
    assert_completed(harness, 20, "/?cut=2", 444);
    assert_int_equal(harness_closed(harness, CLOSE_FAULT), 1);
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

static void head_requests_are_cut_too(void **state)
{
    (void)state;
    static const char *const targets[] = {"/?cut=1", "/?cut=2&stream=100", "/?cut=3",
                                          "/?cut=3&stream=100000&known"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect_over_ip(harness);
        char request[128];
        snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[i]);
        client_say(client, request);
        read_to_the_end(harness, client);
        assert_true(client->reset);
        assert_completed(harness, 0, targets[i], 444);
        assert_int_equal(harness->fake.completed[0].content_bytes, 0);
        client_close(client);
        harness_close(harness);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paced_content_arrives_whole),
        cmocka_unit_test(a_pause_holds_no_buffer_and_keeps_no_other_waiting),
        cmocka_unit_test(requests_behind_paced_content_are_answered_in_order),
        cmocka_unit_test(who_leaves_in_a_pause_frees_everything_at_once),
        cmocka_unit_test(the_write_timeout_knows_our_pauses),
        cmocka_unit_test(draining_ends_what_has_no_end_and_finishes_the_rest),
        cmocka_unit_test(stopping_cuts_a_pause_off),
        cmocka_unit_test(content_of_known_length_says_so),
        cmocka_unit_test(a_reset_comes_where_it_is_asked_for),
        cmocka_unit_test(content_without_length_is_cut_behind_a_piece),
        cmocka_unit_test(a_reset_waits_for_the_answers_before),
        cmocka_unit_test(head_requests_are_cut_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "engine_harness.h"

#include "net/address.h"
#include "net/listener.h"

#include <pthread.h>
#include <sys/resource.h>

/* A listener of the engine on the loopback interface; returns where it is. */
static struct address listen_on(struct harness *harness, enum surface surface)
{
    struct address address;
    const char *reason = NULL;
    assert_int_equal(address_parse(SPAN("127.0.0.1:0"), &address, &reason), 0);
    int fd = -1;
    assert_int_equal(listener_open(&address, false, &fd, 1), 0);
    assert_int_equal(engine_add_listener(&harness->engine, fd, surface), 0);
    return address;
}

static struct client *client_of_listener(const struct address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address->socket.any, address->length), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return client_of(fd);
}

/* Waits for what the server sends: it runs in another thread, or was made to turn before. */
static void await(struct client *client, size_t bytes)
{
    while (client->length < bytes && !client->ended) {
        struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
        assert_true(poll(&poll_fd, 1, 60000) > 0);
        client_receive(client, SIZE_MAX);
    }
}

static void await_end(struct client *client)
{
    await(client, SIZE_MAX);
    assert_true(client->ended);
}

static void connections_are_accepted_with_their_surface_and_address(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct address public_address = listen_on(harness, SURFACE_PUBLIC);
    struct address admin_address = listen_on(harness, SURFACE_ADMIN);
    struct client *first = client_of_listener(&public_address);
    harness_settle(harness);
    struct client *second = client_of_listener(&admin_address);
    harness_settle(harness);
    assert_int_equal(harness->engine.accepted, 2);
    assert_int_equal(harness_in_state(harness, CONNECTION_IDLE), 2);
    const struct connection *connection = connection_at(&harness->engine, 0);
    assert_int_equal(connection->surface, SURFACE_PUBLIC);
    assert_int_equal(connection->peer.family, AF_INET);
    assert_int_equal(connection->peer.bytes[0], 127);
    assert_int_equal(connection_at(&harness->engine, 1)->surface, SURFACE_ADMIN);
    client_say(first, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(second, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_completed(harness, 2);
    await(first, 1);
    assert_answer_to(first, "/a");
    client_close(first);
    client_close(second);
    harness_close(harness);
}

static void listeners_have_a_limit_and_are_owned_even_beyond_it(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    for (unsigned i = 0; i < ENGINE_MAX_LISTENERS; i++) {
        (void)listen_on(harness, SURFACE_PUBLIC);
    }
    struct address address;
    const char *reason = NULL;
    assert_int_equal(address_parse(SPAN("127.0.0.1:0"), &address, &reason), 0);
    int fd = -1;
    assert_int_equal(listener_open(&address, false, &fd, 1), 0);
    assert_int_equal(engine_add_listener(&harness->engine, fd, SURFACE_PUBLIC), -ENOSPC);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    harness_close(harness);
}

static void at_the_limit_of_connections_accepting_pauses(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_connections = 3;
    struct harness *harness = harness_open(&settings);
    struct address address = listen_on(harness, SURFACE_PUBLIC);
    struct client *clients[5];
    for (unsigned i = 0; i < 5; i++) {
        clients[i] = client_of_listener(&address);
        client_say(clients[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    harness_until_completed(harness, 3);
    harness_settle(harness);
    assert_int_equal(harness->engine.accepted, 3);
    assert_int_equal(harness->engine.connections.in_use, 3);
    assert_int_equal(harness->engine.accept_pauses, 1);
    assert_false(harness->engine.accepting);
    /* Each that leaves lets another in. */
    for (unsigned i = 0; i < 2; i++) {
        client_leave(clients[i]);
        harness_until_completed(harness, 4 + i);
        harness_settle(harness);
        assert_int_equal(harness->engine.accepted, 4 + i);
    }
    for (unsigned i = 2; i < 5; i++) {
        await(clients[i], 1);
        assert_answer_to(clients[i], "/a");
    }
    for (unsigned i = 0; i < 5; i++) {
        client_close(clients[i]);
    }
    harness_close(harness);
}

static void without_descriptors_accepting_pauses_and_is_tried_again(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct address address = listen_on(harness, SURFACE_PUBLIC);
    struct client *client = client_of_listener(&address);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    struct rlimit before, none = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (harness->engine.accept_failures == 0) {
        harness_turn(harness);
    }
    assert_int_equal(harness->engine.accept_pauses, 1);
    assert_int_equal(harness->engine.accepted, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    harness_until_completed(harness, 1);
    await(client, 1);
    assert_answer_to(client, "/a");
    client_close(client);
    harness_close(harness);
}

static void turn_until_drained(struct harness *harness)
{
    while (harness->running) {
        harness_turn(harness);
    }
    assert_int_equal(harness->cut_off, 0);
    assert_int_equal(harness->engine.connections.in_use, 0);
    assert_int_equal(harness->engine.listener_count, 0);
    assert_nothing_held(harness);
}

static void an_engine_without_connections_is_drained_at_once(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct address address = listen_on(harness, SURFACE_PUBLIC);
    engine_request_drain(&harness->engine);
    harness_turn(harness);
    assert_false(harness->running);
    turn_until_drained(harness);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &address.socket.any, address.length), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
    harness_close(harness);
}

static void draining_closes_what_is_idle_and_answers_what_waits(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *used = client_connect(harness, 0);
    struct client *waiting = client_connect(harness, 0);
    struct client *half = client_connect(harness, 0);
    client_say(used, "GET /used HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(waiting, "GET /w?delay=30000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(half, "GET /half HTTP/1.1\r\nHo");
    harness_settle(harness);
    engine_request_drain(&harness->engine);
    harness_turn(harness);
    assert_int_equal(harness_closed(harness, CLOSE_DRAIN), 2);
    assert_int_equal(harness_in_state(harness, CONNECTION_WAITING), 1);
    harness_until_completed(harness, 2);
    client_receive(waiting, SIZE_MAX);
    struct answer answer = client_answer(waiting, false);
    assert_status(&answer, 200);
    assert_true(answer.closes);
    client_receive(used, SIZE_MAX);
    answer = client_answer(used, false);
    assert_false(answer.closes); /* nobody knew then */
    assert_true(used->ended && !used->reset);
    client_receive(half, SIZE_MAX);
    assert_true(half->ended && half->length == 0);
    client_leave(waiting);
    turn_until_drained(harness);
    client_close(used);
    client_close(waiting);
    client_close(half);
    harness_close(harness);
}

/* Who has connected and not asked yet is about to. */
static void draining_gives_the_first_request_of_a_connection_a_moment(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *asking = client_connect(harness, 0);
    struct client *silent = client_connect(harness, 0);
    engine_request_drain(&harness->engine);
    harness_turn(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_IDLE), 2);
    client_say(asking, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_talk(harness, asking);
    struct answer answer = client_answer(asking, false);
    assert_status(&answer, 200);
    assert_true(answer.closes && asking->ended);
    client_leave(asking);
    turn_until_drained(harness);
    assert_int_equal(harness_closed(harness, CLOSE_COMPLETE), 1);
    assert_int_equal(harness_closed(harness, CLOSE_DRAIN), 1);
    client_receive(silent, SIZE_MAX);
    assert_true(silent->ended && silent->length == 0);
    client_close(asking);
    client_close(silent);
    harness_close(harness);
}

/* docs/http.md: every request whose whole head was readable by then is answered. */
static void draining_answers_what_was_readable(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /0 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /0 HTTP/1.1\r\nHost: h\r\n\r\nGET /1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /0?delay=1000000 HTTP/1.1\r\nHost: h\r\n\r\n"
        "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2?delay=1000000 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /0?stream=100000 HTTP/1.1\r\nHost: h\r\n\r\nGET /1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /0 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /0 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        "POST /1?delay=1000000 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
        /* What is no whole head behind them is not waited for. */
        "GET /0 HTTP/1.1\r\nHost: h\r\n\r\nGET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HT",
    };
    static const unsigned answers[] = {1, 2, 3, 2, 2, 3, 2};
    enum { UNREAD, HALF_READ, WAYS };
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        for (unsigned way = 0; way < WAYS; way++) {
            struct harness *harness = harness_open_default();
            struct client *client = client_connect(harness, 0);
            size_t length = strlen(requests[i]);
            size_t first = way == UNREAD ? 0 : 10;
            client_send(client, requests[i], first);
            harness_settle(harness);
            client_send(client, requests[i] + first, length - first);
            engine_request_drain(&harness->engine);
            harness_talk(harness, client);
            while (harness->fake.completed_count < answers[i]) {
                harness_turn(harness);
                harness_talk(harness, client);
            }
            for (unsigned k = 0; k < answers[i]; k++) {
                struct answer answer = client_answer(client, false);
                assert_status(&answer, 200);
                char target[16];
                snprintf(target, sizeof target, "/%u", k);
                assert_true(
                    span_starts_with(answer_field(&answer, "x-target"), span_from_string(target)));
                bool half_behind = i == 6;
                if (answer.closes != (k + 1 == answers[i]) && !half_behind) {
                    fail_msg("case %zu, way %u, answer %u: closes %d", i, way, k, answer.closes);
                }
            }
            assert_true(client->ended && !client->reset);
            client_leave(client);
            turn_until_drained(harness);
            client_close(client);
            harness_close(harness);
        }
    }
}

/* More pipelined requests than one read takes. */
static void draining_answers_more_than_one_read(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    const unsigned count = 3000;
    static char requests[3000 * 40];
    size_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        length += (size_t)snprintf(requests + length, sizeof requests - length,
                                   "GET /%u HTTP/1.1\r\nHost: h\r\n\r\n", i);
    }
    client_send(client, requests, length);
    engine_request_drain(&harness->engine);
    harness_talk(harness, client);
    for (unsigned i = 0; i < count; i++) {
        struct answer answer = client_answer(client, false);
        assert_status(&answer, 200);
        assert_int_equal(answer.closes, i + 1 == count);
    }
    assert_true(client->ended);
    client_leave(client);
    turn_until_drained(harness);
    client_close(client);
    harness_close(harness);
}

static void draining_waits_for_a_body_and_for_a_slow_reader(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *body = client_connect(harness, 0);
    struct client *slow = client_connect(harness, 1);
    client_say(body, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
    client_say(slow, "GET /s?stream=300000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    engine_request_drain(&harness->engine);
    harness_settle(harness);
    assert_true(harness->running);
    client_say(body, "bc");
    harness_talk(harness, body);
    struct answer answer = client_answer(body, false);
    assert_status(&answer, 200);
    assert_true(answer.closes && body->ended);
    harness_talk(harness, slow);
    answer = client_answer(slow, false);
    assert_pattern(answer.content, 300000);
    client_leave(body);
    client_leave(slow);
    turn_until_drained(harness);
    client_close(body);
    client_close(slow);
    harness_close(harness);
}

static void draining_empties_the_accept_queue(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct address addresses[] = {listen_on(harness, SURFACE_PUBLIC),
                                  listen_on(harness, SURFACE_ADMIN)};
    struct client *clients[10];
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = client_of_listener(&addresses[i % 2]);
        client_say(clients[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    engine_request_drain(&harness->engine);
    harness_until_completed(harness, ARRAY_LENGTH(clients));
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        await_end(clients[i]);
        struct answer answer = client_answer(clients[i], false);
        assert_status(&answer, 200);
        assert_true(answer.closes);
        client_leave(clients[i]);
    }
    turn_until_drained(harness);
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        client_close(clients[i]);
    }
    harness_close(harness);
}

/* At the limit of connections the queue is emptied as places come free. */
static void draining_at_the_limit_answers_those_in_the_queue(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_connections = 2;
    struct harness *harness = harness_open(&settings);
    struct address address = listen_on(harness, SURFACE_PUBLIC);
    struct client *clients[6];
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = client_of_listener(&address);
        client_say(clients[i], "GET /a?delay=1000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    while (harness->engine.accepted < 2) {
        harness_turn(harness);
    }
    engine_request_drain(&harness->engine);
    unsigned left = 0;
    while (harness->running) {
        harness_turn(harness);
        for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
            client_receive(clients[i], SIZE_MAX);
            if (clients[i]->ended && clients[i]->fd >= 0) {
                client_leave(clients[i]);
                left++;
            }
        }
    }
    assert_int_equal(left, ARRAY_LENGTH(clients));
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        struct answer answer = client_answer(clients[i], false);
        assert_status(&answer, 200);
        assert_true(answer.closes && !clients[i]->reset);
        client_close(clients[i]);
    }
    turn_until_drained(harness);
    harness_close(harness);
}

/* What is cut off: a request that waits, one in its body, answers not sent, streamed content. */
static void stopping_says_how_many_were_cut_off(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *idle = client_connect(harness, 0);
    struct client *waiting = client_connect(harness, 0);
    struct client *body = client_connect(harness, 0);
    struct client *streamed = client_connect(harness, 1);
    struct client *done = client_connect(harness, 0);
    client_say(waiting, "GET /w?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(body, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
    client_say(streamed, "GET /s?stream=300000 HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(done, "GET /d HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    assert_int_equal(harness->fake.completed_count, 1);
    engine_request_stop(&harness->engine);
    harness_turn(harness);
    assert_false(harness->running);
    assert_int_equal(harness->cut_off, 3);
    assert_int_equal(harness->fake.completed_count, 4);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(harness->fake.completed[i].status, 499);
    }
    assert_int_equal(harness_closed(harness, CLOSE_CUT_OFF), 5);
    assert_nothing_held(harness);
    client_close(idle);
    client_close(waiting);
    client_close(body);
    client_close(streamed);
    client_close(done);
    harness_close(harness);
}

static void stopping_ends_a_drain(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *waiting = client_connect(harness, 0);
    client_say(waiting, "GET /w?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    engine_request_drain(&harness->engine);
    harness_turn(harness);
    assert_true(harness->running);
    engine_request_stop(&harness->engine);
    harness_turn(harness);
    assert_false(harness->running);
    assert_int_equal(harness->cut_off, 1);
    client_close(waiting);
    harness_close(harness);
}

/* Destroyed in the middle of everything, it gives all back. */
static void destroying_ends_what_is_open(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    (void)listen_on(harness, SURFACE_PUBLIC);
    struct client *waiting = client_connect(harness, 0);
    struct client *streamed = client_connect(harness, 1);
    client_say(waiting, "GET /w?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(streamed, "GET /s?stream=300000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    harness_close(harness);
    client_receive(waiting, SIZE_MAX);
    assert_true(waiting->ended);
    client_close(waiting);
    client_close(streamed);
}

static void *run(void *argument)
{
    struct harness *harness = argument;
    harness->cut_off = engine_run(&harness->engine);
    return NULL;
}

/*
 * As in a server: the engine in a thread, counters read and the end asked for from another. What is
 * due after the end was asked for tells that it is the last; on a machine that stalls some may be
 * answered before.
 */
static void a_running_engine_is_drained_from_another_thread(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct address address = listen_on(harness, SURFACE_PUBLIC);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, harness), 0);
    struct client *clients[8];
    int64_t asked_ns[ARRAY_LENGTH(clients)];
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        clients[i] = client_of_listener(&address);
        client_say(clients[i], "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        asked_ns[i] = clock_monotonic_ns();
        client_say(clients[i], "GET /b?delay=200000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        await(clients[i], 1);
    }
    assert_int_equal(atomic_load_explicit(&harness->engine.accepted, memory_order_relaxed),
                     ARRAY_LENGTH(clients));
    engine_request_drain(&harness->engine);
    int64_t drained_ns = clock_monotonic_ns();
    for (unsigned i = 0; i < ARRAY_LENGTH(clients); i++) {
        await_end(clients[i]);
        assert_answer_to(clients[i], "/a");
        struct answer answer = client_answer(clients[i], false);
        assert_status(&answer, 200);
        assert_true(answer.closes || drained_ns >= asked_ns[i] + 200 * NS_PER_MS);
        client_close(clients[i]);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(harness->cut_off, 0);
    assert_int_equal(harness->fake.completed_count, 2 * ARRAY_LENGTH(clients));
    harness_close(harness);
}

static void a_running_engine_is_stopped_from_another_thread(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct address address = listen_on(harness, SURFACE_PUBLIC);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, harness), 0);
    struct client *client = client_of_listener(&address);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                       "GET /b?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    await(client, 1);
    engine_request_stop(&harness->engine);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(harness->cut_off, 1);
    client_close(client);
    harness_close(harness);
}

static struct harness *open_polling(int64_t busy_poll_ns)
{
    struct engine_settings settings = harness_settings();
    settings.busy_poll_ns = busy_poll_ns;
    return harness_open(&settings);
}

static void the_loop_wakes_up_for_a_delay_when_polling_begins(void **state)
{
    (void)state;
    static const int64_t busy_poll_ns[] = {0, 1, 2 * NS_PER_S};
    for (size_t i = 0; i < ARRAY_LENGTH(busy_poll_ns); i++) {
        struct harness *harness = open_polling(busy_poll_ns[i]);
        struct client *client = client_connect(harness, 0);
        client_say(client, "GET /a?delay=5000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
        harness_settle(harness);
        assert_int_equal(harness_in_state(harness, CONNECTION_WAITING), 1);
        harness_turn_at_once(harness);
        assert_int_equal(harness->engine.loop.armed_ns,
                         timer_heap_earliest_ns(&harness->engine.delays) - busy_poll_ns[i]);
        client_close(client);
        harness_close(harness);
    }
}

static void polling_serves_what_comes_and_sets_no_timer(void **state)
{
    (void)state;
    struct harness *harness = open_polling(100 * NS_PER_S);
    struct client *waiting = client_connect(harness, 0);
    struct client *other = client_connect(harness, 0);
    harness_settle(harness);
    harness_turn_at_once(harness);
    int64_t armed_ns = harness->engine.loop.armed_ns;
    client_say(waiting, "GET /a?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    for (unsigned i = 0; i < 3; i++) {
        harness_turn(harness); /* nothing is there, and it does not wait for anything */
    }
    client_say(other, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_turn(harness);
    client_receive(other, SIZE_MAX);
    assert_answer_to(other, "/b");
    assert_int_equal(harness->engine.loop.armed_ns, armed_ns);
    assert_int_equal(harness_in_state(harness, CONNECTION_WAITING), 1);
    client_close(waiting);
    client_close(other);
    harness_close(harness);
}

static void who_is_polled_for_is_not_answered_early(void **state)
{
    (void)state;
    struct harness *harness = open_polling(10 * NS_PER_MS);
    struct client *client = client_connect(harness, 0);
    for (unsigned i = 0; i < 5; i++) {
        client_say(client, "GET /a?delay=20000000 HTTP/1.1\r\nHost: h\r\n\r\n");
        harness_until_completed(harness, i + 1);
        client_receive(client, SIZE_MAX);
        assert_answer_to(client, "/a?delay=20000000");
        assert_true(harness->fake.completed[i].waited_ns >= 20 * NS_PER_MS);
    }
    client_close(client);
    harness_close(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_accepted_with_their_surface_and_address),
        cmocka_unit_test(listeners_have_a_limit_and_are_owned_even_beyond_it),
        cmocka_unit_test(at_the_limit_of_connections_accepting_pauses),
        cmocka_unit_test(without_descriptors_accepting_pauses_and_is_tried_again),
        cmocka_unit_test(an_engine_without_connections_is_drained_at_once),
        cmocka_unit_test(draining_closes_what_is_idle_and_answers_what_waits),
        cmocka_unit_test(draining_gives_the_first_request_of_a_connection_a_moment),
        cmocka_unit_test(draining_answers_what_was_readable),
        cmocka_unit_test(draining_answers_more_than_one_read),
        cmocka_unit_test(draining_waits_for_a_body_and_for_a_slow_reader),
        cmocka_unit_test(draining_empties_the_accept_queue),
        cmocka_unit_test(draining_at_the_limit_answers_those_in_the_queue),
        cmocka_unit_test(the_loop_wakes_up_for_a_delay_when_polling_begins),
        cmocka_unit_test(polling_serves_what_comes_and_sets_no_timer),
        cmocka_unit_test(who_is_polled_for_is_not_answered_early),
        cmocka_unit_test(stopping_says_how_many_were_cut_off),
        cmocka_unit_test(stopping_ends_a_drain),
        cmocka_unit_test(destroying_ends_what_is_open),
        cmocka_unit_test(a_running_engine_is_drained_from_another_thread),
        cmocka_unit_test(a_running_engine_is_stopped_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * An engine with a fake application, driven turn by turn by the test, and clients at the other end
 * of socket pairs. Nothing waits for time but where a delay or a timeout is what is tested.
 */
#pragma once

#include "../cmocka_includes.h"

#include "answer_reader.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "fake_application.h"
#include "http/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HARNESS_LONG_NS (600 * NS_PER_S) /* a timeout that does not come */
#define HARNESS_CLIENT_BYTES ((size_t)4 << 20)

struct harness {
    struct engine engine;
    struct fake_application fake;
    bool running;
    uint64_t cut_off; /* known when it does not run any more */
};

struct client {
    int fd;
    char *memory;  /* owned */
    size_t length; /* bytes received */
    size_t read;   /* of them taken by client_answer() */
    bool ended;    /* the server has closed its side */
    bool reset;
    struct buffer decoded;
};

static inline struct engine_settings harness_settings(void)
{
    return (struct engine_settings){
        .max_connections = 16,
        .max_head_bytes = 16384,
        .max_body_bytes = 1000000,
        .max_held_bytes = 16 << 20,
        .idle_timeout_ns = HARNESS_LONG_NS,
        .head_timeout_ns = HARNESS_LONG_NS,
        .body_timeout_ns = HARNESS_LONG_NS,
        .write_timeout_ns = HARNESS_LONG_NS,
    };
}

static inline struct harness *harness_open(const struct engine_settings *settings)
{
    struct harness *harness = calloc(1, sizeof *harness);
    assert_non_null(harness);
    struct application application = fake_application_of(&harness->fake);
    assert_int_equal(engine_init(&harness->engine, settings, &application), 0);
    harness->running = true;
    return harness;
}

static inline struct harness *harness_open_default(void)
{
    struct engine_settings settings = harness_settings();
    return harness_open(&settings);
}

/* What must hold between any two turns. */
static inline void harness_check(const struct harness *harness)
{
    const struct engine *engine = &harness->engine;
    uint64_t open = 0;
    for (unsigned state = CONNECTION_FREE + 1; state < CONNECTION_STATE_COUNT; state++) {
        open += engine->states[state];
    }
    assert_int_equal(open, engine->connections.in_use);
    assert_int_equal(engine->batch_count, 0);
    assert_int_equal(engine->output.length, 0);
    assert_int_equal(engine->delays.count,
                     engine->states[CONNECTION_WAITING] + engine->states[CONNECTION_PAUSED]);
}

static inline void harness_turn(struct harness *harness)
{
    assert_true(harness->running);
    harness->running = engine_turn(&harness->engine, &harness->cut_off);
    harness_check(harness);
}

/* A turn that finds something to do: it does not wait. */
static inline void harness_turn_at_once(struct harness *harness)
{
    loop_wake(&harness->engine.loop);
    harness_turn(harness);
}

/* Turns as long as there is something to do without waiting. */
static inline void harness_settle(struct harness *harness)
{
    struct pollfd poll_fd = {.fd = harness->engine.loop.epoll_fd, .events = POLLIN};
    for (unsigned turns = 0; harness->running && poll(&poll_fd, 1, 0) > 0; turns++) {
        if (turns == 100000) {
            fail_msg("the engine finds something to do without end");
        }
        /* It was a timer, maybe, that is set anew before the turn waits: the turn must not. */
        harness_turn_at_once(harness);
    }
}

static inline unsigned harness_in_state(const struct harness *harness, enum connection_state state)
{
    return (unsigned)harness->engine.states[state];
}

/* How many connections were closed for this reason. */
static inline unsigned harness_closed(const struct harness *harness, enum close_reason reason)
{
    return (unsigned)harness->engine.closed[reason];
}

/* Turns until so many exchanges are complete: for what only time brings. */
static inline void harness_until_completed(struct harness *harness, unsigned count)
{
    while (harness->running && harness->fake.completed_count < count) {
        harness_turn(harness);
    }
    assert_int_equal(harness->fake.completed_count, count);
}

static inline void harness_until_closed(struct harness *harness, enum close_reason reason,
                                        unsigned count)
{
    while (harness->running && harness_closed(harness, reason) < count) {
        harness_turn(harness);
    }
    assert_int_equal(harness_closed(harness, reason), count);
}

/* All is given back: memory, sources, one completion for each request. */
static inline void harness_close(struct harness *harness)
{
    engine_destroy(&harness->engine);
    const struct fake_application *fake = &harness->fake;
    assert_int_equal(fake->sources_opened, fake->sources_closed_whole + fake->sources_closed_cut);
    for (unsigned state = CONNECTION_FREE + 1; state < CONNECTION_STATE_COUNT; state++) {
        assert_int_equal(harness->engine.states[state], 0);
    }
    assert_true(fake->begun <= fake->completed_count);
    free(harness);
}

/* No connection holds anything. */
static inline void assert_nothing_held(const struct harness *harness)
{
    assert_int_equal(harness->engine.held.chunks_in_use, 0);
    assert_int_equal(harness->engine.delays.count, 0);
}

static inline struct client *client_of(int fd)
{
    struct client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    client->fd = fd;
    client->memory = malloc(HARNESS_CLIENT_BYTES);
    char *decoded = malloc(HARNESS_CLIENT_BYTES);
    assert_true(client->memory != NULL && decoded != NULL);
    client->decoded = buffer_over(decoded, HARNESS_CLIENT_BYTES);
    return client;
}

/* `send_bytes`: what the kernel is asked to hold of the server's output; 0 for its default. */
static inline struct client *client_connect(struct harness *harness, int send_bytes)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    if (send_bytes > 0) {
        assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes),
                         0);
    }
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    harness->engine.now_ns = clock_monotonic_ns();
    connection_open(&harness->engine, fds[0], SURFACE_PUBLIC, &address);
    return client_of(fds[1]);
}

static inline struct client *client_connect_over_ip(struct harness *harness)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr *address = (struct sockaddr *)&storage;
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    memcpy(&storage, &loopback, sizeof loopback);
    socklen_t length = sizeof loopback;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, address, &length), 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, address, length), 0);
    assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    int fd = accept4(listener, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    close(listener);
    harness->engine.now_ns = clock_monotonic_ns();
    connection_open(&harness->engine, fd, SURFACE_PUBLIC, &storage);
    return client_of(client);
}

/* Fills what the kernel holds of the server's output, so that nothing more can be sent. */
static inline size_t client_block(struct harness *harness, uint32_t connection_index_of)
{
    static const char bytes[4096];
    int fd = connection_at(&harness->engine, connection_index_of)->fd;
    size_t sent = 0;
    for (ssize_t got = 0; got >= 0; sent += (size_t)got) {
        got = send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (got < 0) {
            break;
        }
    }
    for (;;) {
        ssize_t got = send(fd, bytes, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (got < 0) {
            return sent;
        }
        sent++;
    }
}

static inline void client_send(struct client *client, const void *data, size_t length)
{
    assert_int_equal(send(client->fd, data, length, MSG_NOSIGNAL), length);
}

static inline void client_say(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

/* Takes what has arrived, up to `most` bytes. */
static inline size_t client_receive(struct client *client, size_t most)
{
    size_t before = client->length;
    while (!client->ended && client->length - before < most) {
        size_t room = HARNESS_CLIENT_BYTES - client->length;
        size_t left = most - (client->length - before);
        assert_true(room > 0);
        ssize_t got =
            recv(client->fd, client->memory + client->length, left < room ? left : room, 0);
        if (got < 0 && errno == EAGAIN) {
            break;
        }
        client->reset |= got < 0;
        client->ended = got <= 0;
        client->length += got > 0 ? (size_t)got : 0;
    }
    return client->length - before;
}

/* Lets both sides go on until neither can. */
static inline void harness_talk(struct harness *harness, struct client *client)
{
    do {
        harness_settle(harness);
    } while (client_receive(client, SIZE_MAX) > 0);
}

/* The next whole answer that has arrived; false when there is none. */
static inline bool client_has_answer(struct client *client, bool is_head, struct answer *ret_answer)
{
    struct span rest = span_of(client->memory + client->read, client->length - client->read);
    if (!answer_read(rest, is_head, client->ended, &client->decoded, ret_answer)) {
        return false;
    }
    client->read += ret_answer->bytes;
    return true;
}

static inline struct answer client_answer(struct client *client, bool is_head)
{
    struct answer answer;
    if (!client_has_answer(client, is_head, &answer)) {
        fail_msg("no whole answer in: %.*s", (int)(client->length - client->read),
                 client->memory + client->read);
    }
    return answer;
}

static inline size_t client_unread(const struct client *client)
{
    return client->length - client->read;
}

static inline void client_close(struct client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    free(client->memory);
    free(client->decoded.data);
    free(client);
}

/* Closes the client's end alone: what was received can still be read. */
static inline void client_leave(struct client *client)
{
    close(client->fd);
    client->fd = -1;
}

static inline void assert_status(const struct answer *answer, unsigned status)
{
    if (answer->status != status) {
        fail_msg("not %u: %.*s", status, (int)answer->head.length, answer->head.data);
    }
}

/* The next answer is a 200 to this target. */
static inline void assert_answer_to(struct client *client, const char *target)
{
    struct answer answer = client_answer(client, false);
    assert_status(&answer, 200);
    struct span said = answer_field(&answer, "x-target");
    if (!span_equals(said, span_from_string(target))) {
        fail_msg("the answer is to %.*s, not to %s", (int)said.length, said.data, target);
    }
}

static inline void assert_pattern(struct span content, size_t length)
{
    assert_int_equal(content.length, length);
    for (size_t i = 0; i < length; i++) {
        if (content.data[i] != fake_content_byte(i)) {
            fail_msg("byte %zu of the content is wrong", i);
        }
    }
}

static inline void assert_completed(const struct harness *harness, unsigned index,
                                    const char *target, unsigned status)
{
    assert_true(index < harness->fake.completed_count);
    const struct fake_completion *completion = &harness->fake.completed[index];
    assert_string_equal(completion->target, target);
    assert_int_equal(completion->status, status);
}

#include "http/connection.h"

#include "base/assert.h"
#include "base/clock.h"
#include "http/status.h"
#include "net/socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINGER_TIMEOUT_NS (2 * NS_PER_S)
/* A client that sends a body nobody wants looks for the answer behind it: as long as it sends this
   much within the time, it gets the time anew. A few bytes now and then keep no connection. */
#define LINGER_PROGRESS_BYTES 65536

static const uint32_t reading = EPOLLIN | EPOLLRDHUP;

static uint64_t token_of(const struct engine *engine, const struct connection *connection)
{
    return loop_token(EVENT_CONNECTION, connection->generation,
                      connection_index(engine, connection));
}

void connection_set_interest(struct engine *engine, struct connection *connection,
                             uint32_t interest)
{
    if (connection->interest != interest) {
        connection->interest = (uint16_t)interest;
        loop_modify(&engine->loop, connection->fd, interest, token_of(engine, connection));
    }
}

void connection_set_timeout(struct engine *engine, struct connection *connection,
                            int64_t timeout_ns)
{
    int64_t before_ns = connection->deadline_ns;
    connection->deadline_ns = engine->now_ns + timeout_ns;
    if (before_ns <= connection->deadline_ns) {
        return; /* the wheel asks by then, and is told the new one */
    }
    timeout_wheel_ask_by(&engine->timeouts, connection_index(engine, connection),
                         connection->deadline_ns);
}

/* What the peer has not acknowledged of the bytes given to the kernel. */
static uint32_t untaken_bytes(const struct connection *connection)
{
    int bytes = 0;
    return ioctl(connection->fd, SIOCOUTQ, &bytes) == 0 ? (uint32_t)bytes : 0;
}

void connection_expect_taking(struct engine *engine, struct connection *connection)
{
    connection->untaken_bytes = untaken_bytes(connection);
    connection_set_timeout(engine, connection, engine->settings.write_timeout_ns);
}

void connection_open(struct engine *engine, int fd, enum surface surface,
                     const struct sockaddr_storage *address)
{
    uint32_t index = slab_take(&engine->connections);
    ASSERT(index != SLAB_NONE); /* the engine stops accepting before */
    struct connection *connection = connection_at(engine, index);
    uint32_t generation = connection->generation + 1;
    *connection = (struct connection){
        .generation = generation,
        .fd = fd,
        .interest = (uint16_t)reading,
        .state = CONNECTION_IDLE,
        .surface = (uint8_t)surface,
        .peer = peer_address_from(address),
        .deadline_ns = INT64_MAX,
    };
    engine_count(&engine->states[CONNECTION_IDLE], 1);
    if (address->ss_family != AF_UNIX) {
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a failure only delays */
    }
    if (loop_add(&engine->loop, fd, reading, token_of(engine, connection)) != 0) {
        connection_close(engine, connection, CLOSE_MEMORY);
        return;
    }
    connection_set_timeout(engine, connection, engine->settings.idle_timeout_ns);
}

static void give_blocks_back(struct engine *engine, struct connection *connection)
{
    block_pool_give(&engine->held, connection->input);
    block_pool_give(&engine->held, connection->output);
    block_pool_give(&engine->held, connection->exchange);
    block_pool_give(&engine->held, connection->unsent);
    connection->input = NULL;
    connection->output = NULL;
    connection->exchange = NULL;
    connection->unsent = NULL;
}

void connection_close(struct engine *engine, struct connection *connection,
                      enum close_reason reason)
{
    uint32_t index = connection_index(engine, connection);
    close(connection->fd); /* which takes it out of epoll, too */
    give_blocks_back(engine, connection);
    timer_heap_remove(&engine->delays, index);
    timeout_wheel_remove(&engine->timeouts, index);
    engine_count(&engine->states[connection->state], UINT64_MAX);
    engine_count(&engine->closed[reason], 1);
    connection->state = CONNECTION_FREE;
    slab_give(&engine->connections, index);
}

void connection_abandon(struct engine *engine, struct connection *connection,
                        enum close_reason reason)
{
    connection_abandon_output(engine, connection);
    struct held_exchange *held = connection->exchange;
    if (held != NULL) {
        if (held->exchange.source.close != NULL) {
            held->exchange.source.close(held->exchange.source.context, false);
            /* The end of the connection would be taken for that of the content. */
            if (held->exchange.minor_version == 0 || reason == CLOSE_FAULT) {
                connection_reset_on_close(connection);
            }
        }
        held->exchange.status = reason == CLOSE_FAULT ? STATUS_RESET : STATUS_CLIENT_CLOSED_REQUEST;
        connection_complete(engine, &held->exchange);
    }
    connection_close(engine, connection, reason);
}

void connection_linger(struct engine *engine, struct connection *connection)
{
    if (connection->close_reason == CLOSE_FAULT) {
        connection_reset_on_close(connection);
        connection_close(engine, connection, CLOSE_FAULT);
        return;
    }
    /* Closing with bytes unread would reset the connection, and the peer might lose the answer
       (RFC 9112, section 9.6): so our side is closed first, and what still comes is dropped. */
    if (shutdown(connection->fd, SHUT_WR) != 0) {
        connection_close(engine, connection, (enum close_reason)connection->close_reason);
        return;
    }
    block_pool_give(&engine->held, connection->input);
    connection->input = NULL;
    connection->dropped_bytes = 0;
    connection_set_state(engine, connection, CONNECTION_LINGERING);
    connection_set_interest(engine, connection, reading);
    connection_set_timeout(engine, connection, LINGER_TIMEOUT_NS);
}

static void drop_input(struct engine *engine, struct connection *connection)
{
    ssize_t got = socket_receive(connection->fd, engine->input, ENGINE_IO_BYTES);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        connection_close(engine, connection, (enum close_reason)connection->close_reason);
        return;
    }
    connection->dropped_bytes += got > 0 ? (uint32_t)got : 0;
    if (connection->dropped_bytes >= LINGER_PROGRESS_BYTES) {
        connection->dropped_bytes = 0;
        connection_set_timeout(engine, connection, LINGER_TIMEOUT_NS);
    }
}

static void answer_timeout(struct engine *engine, struct connection *connection,
                           enum close_reason reason)
{
    static const struct request_error late_head = {408, "the request's head took too long"};
    static const struct request_error late_body = {408, "the request's body took too long"};
    struct held_exchange *held = connection->exchange;
    bool body = held != NULL;
    connection->exchange = NULL;
    struct exchange *answer = connection_next_answer(engine);
    if (body) {
        *answer = held->exchange;
    } else {
        answer->started_ns = engine->now_ns;
        answer->client = connection->peer;
        answer->delay_ns = ACCESS_DELAY_NONE;
        answer->minor_version = 1;
    }
    connection_refuse(engine, connection, answer, body ? &late_body : &late_head, reason);
    if (connection_flush_and_release(engine, connection, held)) {
        connection_linger(engine, connection);
    }
}

void connection_timed_out(struct engine *engine, struct connection *connection)
{
    switch ((enum connection_state)connection->state) {
    case CONNECTION_IDLE:
        connection_close(engine, connection, engine->draining ? CLOSE_DRAIN : CLOSE_IDLE_TIMEOUT);
        break;
    case CONNECTION_HEAD:
        answer_timeout(engine, connection, CLOSE_HEAD_TIMEOUT);
        break;
    case CONNECTION_BODY:
        answer_timeout(engine, connection, CLOSE_BODY_TIMEOUT);
        break;
    case CONNECTION_WRITING:
        /* The kernel says that there is room only when a third of its buffer is free, which a slow
           peer may need long for: it is not stuck while it takes anything. */
        if (untaken_bytes(connection) < connection->untaken_bytes) {
            connection_expect_taking(engine, connection);
        } else {
            connection_abandon(engine, connection, CLOSE_WRITE_TIMEOUT);
        }
        break;
    case CONNECTION_LINGERING:
        connection_close(engine, connection, (enum close_reason)connection->close_reason);
        break;
    default:
        break;
    }
}

void connection_event(struct engine *engine, struct connection *connection, uint32_t events)
{
    switch ((enum connection_state)connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        connection_read(engine, connection);
        break;
    case CONNECTION_WAITING:
    case CONNECTION_PAUSED:
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
            connection_abandon(engine, connection, CLOSE_CLIENT);
        } else {
            /* The next request is here already; it is read when its turn comes. */
            connection_set_interest(engine, connection, EPOLLRDHUP);
        }
        break;
    case CONNECTION_WRITING:
        connection_write(engine, connection);
        break;
    case CONNECTION_LINGERING:
        drop_input(engine, connection);
        break;
    default:
        ASSERT_UNREACHABLE("an event for a connection that is not open");
    }
}

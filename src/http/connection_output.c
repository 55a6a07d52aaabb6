#include "http/connection.h"

#include "base/assert.h"
#include "base/clock.h"
#include "http/status.h"
#include "net/socket.h"

#include <errno.h>
#include <stdio.h>

/* Of streamed content: small enough that other connections are not kept waiting for it. */
#define PIECE_BYTES ((size_t)16384)
#define CHUNK_HEAD_BYTES 8 /* up to six hexadecimal digits and CRLF */

struct exchange *connection_next_answer(struct engine *engine)
{
    ASSERT(engine->batch_count < ENGINE_MAX_BATCH);
    struct exchange *answer = &engine->batch[engine->batch_count];
    *answer = (struct exchange){0};
    return answer;
}

void connection_complete(struct engine *engine, const struct exchange *exchange)
{
    struct completion completion = {
        .exchange = exchange,
        .completed_ns = engine->now_ns,
        .completed_realtime_ns = engine->now_ns + engine->clock.realtime_offset_ns,
    };
    engine->application.complete(engine->application.context, &completion);
}

/* Sends what it can. Returns the bytes taken, 0 when none can be now, or a negative errno. */
static ssize_t send_bytes(const struct connection *connection, const char *data, size_t length)
{
    ssize_t sent = socket_send(connection->fd, data, length);
    if (sent >= 0) {
        return sent;
    }
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Keeps the answers from `first` on, whose last byte is not sent yet, with their texts. */
static bool hold_answers(struct engine *engine, struct connection *connection, uint32_t first,
                         uint32_t sent_bytes)
{
    uint32_t count = engine->batch_count - first;
    if (count == 0) {
        return true;
    }
    size_t bytes = sizeof(struct unsent_answers) + count * sizeof(struct exchange);
    for (uint32_t i = first; i < engine->batch_count; i++) {
        const struct exchange *exchange = &engine->batch[i];
        bytes +=
            exchange->method_name.length + exchange->target.length + exchange->traceparent.length;
    }
    struct unsent_answers *unsent =
        bytes > BLOCK_POOL_CHUNK_BYTES ? NULL : block_pool_take(&engine->held, bytes);
    if (unsent == NULL) {
        return false;
    }
    *unsent = (struct unsent_answers){.count = count};
    char *text = (char *)&unsent->exchanges[count];
    for (uint32_t i = 0; i < count; i++) {
        struct exchange *exchange = &unsent->exchanges[i];
        *exchange = engine->batch[first + i];
        exchange->flushed_offset -= sent_bytes;
        exchange->kept = SPAN("");
        struct span *texts[] = {&exchange->method_name, &exchange->target, &exchange->traceparent};
        for (size_t j = 0; j < ARRAY_LENGTH(texts); j++) {
            text = connection_copy_text(text, texts[j]);
        }
    }
    connection->unsent = unsent;
    return true;
}

/* Keeps the bytes that the kernel did not take. */
static bool hold_output(struct engine *engine, struct connection *connection, struct span unsent)
{
    ASSERT(connection->output == NULL);
    connection->output = block_pool_take(&engine->held, unsent.length);
    if (connection->output == NULL) {
        return false;
    }
    memcpy(connection->output, unsent.data, unsent.length);
    connection->output_bytes = (uint32_t)unsent.length;
    connection->output_sent = 0;
    return true;
}

static void start_writing(struct engine *engine, struct connection *connection)
{
    connection_set_state(engine, connection, CONNECTION_WRITING);
    connection_set_interest(engine, connection, EPOLLOUT);
    connection_expect_taking(engine, connection);
}

static void clear_batch(struct engine *engine)
{
    engine->batch_count = 0;
    engine->output.length = 0;
}

/* Ends the batch's answers from `first` on as cut off by the client. */
static void abandon_batch(struct engine *engine, uint32_t first)
{
    for (uint32_t i = first; i < engine->batch_count; i++) {
        engine->batch[i].status = STATUS_CLIENT_CLOSED_REQUEST;
        connection_complete(engine, &engine->batch[i]);
    }
    clear_batch(engine);
}

bool connection_flush(struct engine *engine, struct connection *connection)
{
    size_t length = engine->output.length;
    if (length == 0) {
        return true;
    }
    ssize_t sent = send_bytes(connection, engine->output.data, length);
    engine->now_ns = clock_monotonic_ns();
    if (LIKELY(sent == (ssize_t)length)) {
        for (uint32_t i = 0; i < engine->batch_count; i++) {
            connection_complete(engine, &engine->batch[i]);
        }
        clear_batch(engine);
        return true;
    }
    uint32_t first = 0;
    enum close_reason reason = CLOSE_CLIENT;
    if (sent >= 0) {
        while (first < engine->batch_count && engine->batch[first].flushed_offset <= sent) {
            connection_complete(engine, &engine->batch[first++]);
        }
        struct span unsent = span_after(buffer_span(&engine->output), (size_t)sent);
        if (hold_output(engine, connection, unsent) &&
            hold_answers(engine, connection, first, (uint32_t)sent)) {
            clear_batch(engine);
            start_writing(engine, connection);
            return false;
        }
        reason = CLOSE_MEMORY;
    }
    abandon_batch(engine, first);
    connection_abandon(engine, connection, reason);
    return false;
}

bool connection_flush_and_release(struct engine *engine, struct connection *connection,
                                  struct held_exchange *held)
{
    bool sent = connection_flush(engine, connection);
    block_pool_give(&engine->held, held);
    return sent;
}

bool connection_make_room(struct engine *engine, struct connection *connection, size_t answer_bytes)
{
    if (LIKELY(engine->batch_count < ENGINE_MAX_BATCH &&
               buffer_room(&engine->output) >= answer_bytes)) {
        return true;
    }
    return connection_flush(engine, connection);
}

void connection_abandon_output(struct engine *engine, struct connection *connection)
{
    struct unsent_answers *unsent = connection->unsent;
    if (unsent == NULL) {
        return;
    }
    while (unsent->next < unsent->count) {
        struct exchange *exchange = &unsent->exchanges[unsent->next++];
        exchange->status = STATUS_CLIENT_CLOSED_REQUEST;
        connection_complete(engine, exchange);
    }
}

static void close_source(struct exchange *exchange, bool whole)
{
    exchange->source.close(exchange->source.context, whole);
    exchange->source = (struct content_source){0};
}

/*
 * Pulls into the worker's scratch memory until it is full or the content ends. Returns the bytes,
 * or a negative errno.
 */
static ssize_t pull_piece(struct exchange *exchange, char *memory, size_t capacity, bool *ret_end)
{
    size_t length = 0;
    *ret_end = false;
    while (length < capacity) {
        ssize_t got =
            exchange->source.pull(exchange->source.context, memory + length, capacity - length);
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            *ret_end = true;
            break;
        }
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* Sends bytes now or keeps them; false when the connection is closed. */
static bool send_or_hold(struct engine *engine, struct connection *connection, struct span bytes)
{
    ssize_t sent = send_bytes(connection, bytes.data, bytes.length);
    engine->now_ns = clock_monotonic_ns();
    if (sent < 0) {
        connection_abandon(engine, connection, CLOSE_CLIENT);
        return false;
    }
    if ((size_t)sent < bytes.length &&
        !hold_output(engine, connection, span_after(bytes, (size_t)sent))) {
        connection_abandon(engine, connection, CLOSE_MEMORY);
        return false;
    }
    return true;
}

/* Frames a piece that was pulled to `engine->keep + CHUNK_HEAD_BYTES`. */
static struct span frame_piece(struct engine *engine, const struct exchange *exchange,
                               size_t length, bool end)
{
    char *content = engine->keep + CHUNK_HEAD_BYTES;
    if (exchange->minor_version == 0) {
        return span_of(content, length); /* HTTP/1.0: the close ends the content */
    }
    char *start = content;
    char *finish = content + length;
    if (length > 0) {
        char head[CHUNK_HEAD_BYTES + 1];
        int head_bytes = snprintf(head, sizeof head, "%zx\r\n", length);
        start -= head_bytes;
        memcpy(start, head, (size_t)head_bytes);
        finish = mempcpy(finish, "\r\n", 2);
    }
    if (end) {
        finish = mempcpy(finish, "0\r\n\r\n", 5);
    }
    return span_of(start, (size_t)(finish - start));
}

/* Sends the next piece of streamed content, one for each turn of the loop. */
static void send_piece(struct engine *engine, struct connection *connection)
{
    struct exchange *exchange = &connection->exchange->exchange;
    bool end = false;
    ssize_t got = pull_piece(exchange, engine->keep + CHUNK_HEAD_BYTES, PIECE_BYTES, &end);
    if (got < 0) {
        connection_abandon(engine, connection, CLOSE_CONTENT_FAILED);
        return;
    }
    exchange->content_bytes += (size_t)got;
    if (!send_or_hold(engine, connection, frame_piece(engine, exchange, (size_t)got, end))) {
        return;
    }
    connection_expect_taking(engine, connection);
    if (end) {
        exchange->source.pull = NULL; /* all is pulled; the rest of the output is still to go */
        if (connection->output == NULL) {
            connection_write(engine, connection);
        }
    }
}

static void finish_streaming(struct engine *engine, struct connection *connection)
{
    struct held_exchange *held = connection->exchange;
    connection->exchange = NULL;
    close_source(&held->exchange, true);
    connection_complete(engine, &held->exchange);
    block_pool_give(&engine->held, held);
}

/* Tells the application about the answers that are wholly sent. */
static void complete_sent_answers(struct engine *engine, struct connection *connection)
{
    struct unsent_answers *unsent = connection->unsent;
    if (unsent == NULL) {
        return;
    }
    while (unsent->next < unsent->count &&
           unsent->exchanges[unsent->next].flushed_offset <= connection->output_sent) {
        connection_complete(engine, &unsent->exchanges[unsent->next++]);
    }
    if (unsent->next == unsent->count) {
        block_pool_give(&engine->held, unsent);
        connection->unsent = NULL;
    }
}

void connection_write(struct engine *engine, struct connection *connection)
{
    if (connection->output != NULL) {
        ssize_t sent = send_bytes(connection, connection->output + connection->output_sent,
                                  connection->output_bytes - connection->output_sent);
        engine->now_ns = clock_monotonic_ns();
        if (sent < 0) {
            connection_abandon(engine, connection, CLOSE_CLIENT);
            return;
        }
        if (sent > 0) {
            connection_expect_taking(engine, connection);
        }
        connection->output_sent += (uint32_t)sent;
        complete_sent_answers(engine, connection);
        if (connection->output_sent < connection->output_bytes) {
            return;
        }
        block_pool_give(&engine->held, connection->output);
        connection->output = NULL;
    }
    struct held_exchange *held = connection->exchange;
    if (held != NULL && held->exchange.source.pull != NULL) {
        send_piece(engine, connection);
        return;
    }
    if (held != NULL && held->exchange.source.close != NULL) {
        finish_streaming(engine, connection);
    }
    connection_resume(engine, connection);
}

/*
 * Streaming cannot start: the client sees the connection close in place of an answer. The answers
 * before it are whole, and are sent.
 */
static void fail_streaming(struct engine *engine, struct connection *connection,
                           struct exchange *exchange, enum close_reason reason)
{
    close_source(exchange, false);
    struct exchange failed = *exchange;
    failed.status = STATUS_CLIENT_CLOSED_REQUEST;
    uint32_t before = engine->batch_count;
    engine->output.length = before == 0 ? 0 : engine->batch[before - 1].flushed_offset;
    bool open = connection_flush(engine, connection) || connection_is_open(connection);
    connection_complete(engine, &failed);
    if (open) {
        connection->close_after_output = true;
        connection->close_reason = (uint8_t)reason;
    }
}

/* Ends the head of an answer whose content is streamed, and starts doing so. */
static bool start_streaming(struct engine *engine, struct connection *connection,
                            struct exchange *exchange, size_t first_bytes)
{
    if (exchange->minor_version == 0) {
        exchange->keep_alive = false;
    } else {
        buffer_append_span(&engine->output, SPAN("transfer-encoding: chunked\r\n"));
    }
    response_end_head(&engine->output, exchange);
    buffer_append_span(&engine->output, frame_piece(engine, exchange, first_bytes, false));
    ASSERT(!engine->output.overflowed);
    exchange->content_bytes = first_bytes;
    connection->close_after_output = !exchange->keep_alive;
    connection->close_reason = CLOSE_COMPLETE;
    if (!connection_hold_exchange(engine, connection, exchange)) {
        fail_streaming(engine, connection, exchange, CLOSE_MEMORY);
        return false;
    }
    if (connection_flush(engine, connection)) {
        start_writing(engine, connection);
    }
    return false;
}

/* Content that fits next to its head is sent like any other, with its length. */
static bool answer_with_source(struct engine *engine, struct connection *connection,
                               struct exchange *exchange)
{
    bool end = false;
    size_t room = buffer_room(&engine->output) - RESPONSE_MAX_BYTES / 2;
    size_t capacity = room < PIECE_BYTES ? room : PIECE_BYTES;
    ssize_t got = 0;
    if (exchange->method != METHOD_HEAD) {
        got = pull_piece(exchange, engine->keep + CHUNK_HEAD_BYTES, capacity, &end);
    }
    if (got >= 0 && !end && exchange->method != METHOD_HEAD) {
        return start_streaming(engine, connection, exchange, (size_t)got);
    }
    if (got < 0) {
        fail_streaming(engine, connection, exchange, CLOSE_CONTENT_FAILED);
        return false;
    }
    close_source(exchange, true);
    struct response response = {&engine->output, exchange, &engine->clock};
    if (exchange->method == METHOD_HEAD) {
        response_finish_without_content(&response);
    } else {
        response_finish(&response, span_of(engine->keep + CHUNK_HEAD_BYTES, (size_t)got));
    }
    return true;
}

bool connection_answer(struct engine *engine, struct connection *connection,
                       struct exchange *exchange, struct span rest)
{
    connection->has_answered = true;
    if (UNLIKELY(engine->draining) && exchange->keep_alive) {
        exchange->keep_alive = connection_has_another_request(connection, rest);
    }
    struct response response = {&engine->output, exchange, &engine->clock};
    engine->application.respond(engine->application.context, exchange, &response);
    if (UNLIKELY(exchange->source.pull != NULL) &&
        !answer_with_source(engine, connection, exchange)) {
        return false;
    }
    ASSERT(!engine->output.overflowed);
    exchange->flushed_offset = (uint32_t)engine->output.length;
    engine->batch_count++;
    if (!exchange->keep_alive) {
        connection->close_after_output = true;
        connection->close_reason = CLOSE_COMPLETE;
    }
    return true;
}

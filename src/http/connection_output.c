#include "http/connection.h"

#include "base/assert.h"
#include "base/clock.h"
#include "http/status.h"
#include "net/socket.h"

#include <errno.h>

struct exchange *connection_next_answer(struct engine *engine)
{
    ASSERT(engine->batch_count < ENGINE_MAX_BATCH);
    struct exchange *answer = &engine->batch[engine->batch_count];
    *answer = (struct exchange){0};
    return answer;
}

ssize_t connection_send(const struct connection *connection, struct span bytes)
{
    ssize_t sent = socket_send(connection->fd, bytes.data, bytes.length);
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

bool connection_hold_output(struct engine *engine, struct connection *connection,
                            struct span unsent)
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

void connection_start_writing(struct engine *engine, struct connection *connection)
{
    connection_set_state(engine, connection, CONNECTION_WRITING);
    connection_set_interest(engine, connection, EPOLLOUT);
    connection_expect_taking(engine, connection);
}

/* Ends the batch's answers from `first` on as cut off by the client. */
static void abandon_batch(struct engine *engine, uint32_t first)
{
    for (uint32_t i = first; i < engine->batch_count; i++) {
        engine->batch[i].status = STATUS_CLIENT_CLOSED_REQUEST;
        connection_complete(engine, &engine->batch[i]);
    }
    connection_clear_batch(engine);
}

NO_INLINE bool connection_keep_unsent(struct engine *engine, struct connection *connection,
                                      ssize_t sent)
{
    uint32_t first = 0;
    enum close_reason reason = CLOSE_CLIENT;
    if (sent >= 0 || errno == EAGAIN || errno == EINTR) {
        sent = sent < 0 ? 0 : sent;
        while (first < engine->batch_count && engine->batch[first].flushed_offset <= sent) {
            connection_complete(engine, &engine->batch[first++]);
        }
        struct span unsent = span_after(buffer_span(&engine->output), (size_t)sent);
        if (connection_hold_output(engine, connection, unsent) &&
            hold_answers(engine, connection, first, (uint32_t)sent)) {
            connection_clear_batch(engine);
            connection_start_writing(engine, connection);
            return false;
        }
        reason = CLOSE_MEMORY;
    }
    abandon_batch(engine, first);
    connection_abandon(engine, connection, reason);
    return false;
}

bool connection_flush(struct engine *engine, struct connection *connection)
{
    return connection_send_batch(engine, connection);
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
        struct span left = span_of(connection->output + connection->output_sent,
                                   connection->output_bytes - connection->output_sent);
        ssize_t sent = connection_send(connection, left);
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
    if (held != NULL && held->exchange.source.close != NULL) {
        connection_send_content(engine, connection);
    } else {
        connection_resume(engine, connection);
    }
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
        !connection_answer_with_source(engine, connection, exchange)) {
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

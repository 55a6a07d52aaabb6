#include "http/connection.h"

#include "base/assert.h"
#include "base/clock.h"
#include "http/status.h"

#include <errno.h>
#include <stdio.h>

/* Of streamed content: small enough that other connections are not kept waiting for it. */
#define PIECE_BYTES ((size_t)16384)
/* Of what is sent next to its head, if that is all: a page of metrics needs no memory to be held.
 */
#define FIRST_PIECE_BYTES ((size_t)40960)
#define CHUNK_HEAD_BYTES 8 /* up to six hexadecimal digits and CRLF */

/* What comes behind a piece. */
enum piece_next {
    PIECE_MORE,
    PIECE_END,
    PIECE_PAUSE,
    PIECE_CUT, /* the connection is to be reset here */
    PIECE_FAILED,
};

/* Bytes that were pulled to `engine->keep + CHUNK_HEAD_BYTES`. */
struct piece {
    size_t length;
    enum piece_next next;
    int64_t resume_ns; /* of a pause */
};

void connection_reset_on_close(const struct connection *connection)
{
    struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void close_source(struct exchange *exchange, bool whole)
{
    exchange->source.close(exchange->source.context, whole);
    exchange->source = (struct content_source){0};
}

/* So many bytes of content are sent at most. Content of unknown length is cut behind a piece. */
static uint64_t content_limit(const struct exchange *exchange)
{
    if (exchange->cut == RESPONSE_WHOLE) {
        return UINT64_MAX;
    }
    return exchange->source.length > 0 ? exchange->source.length / 2 : 1;
}

/* What stopped the pulling: `got` is what the source said last, not a number of bytes. */
static enum piece_next next_of(ssize_t got, const struct exchange *exchange)
{
    switch (got) {
    case 0:
        return exchange->cut == RESPONSE_WHOLE ? PIECE_END : PIECE_CUT;
    case -EAGAIN:
        return PIECE_PAUSE;
    case -ECONNRESET:
        return PIECE_CUT;
    default:
        return PIECE_FAILED;
    }
}

/* Pulls into the worker's scratch memory until it is full, or the source says that it is enough. */
static struct piece pull_piece(const struct engine *engine, const struct exchange *exchange,
                               size_t capacity)
{
    const struct content_source *source = &exchange->source;
    struct content_pace pace = {
        .now_ns = engine->now_ns,
        .draining = engine->draining,
        .kept = source->uses_kept ? exchange->kept : SPAN(""),
    };
    char *memory = engine->keep + CHUNK_HEAD_BYTES;
    uint64_t limit = content_limit(exchange);
    struct piece piece = {0};
    while (piece.length < capacity && !pace.enough) {
        uint64_t before = exchange->content_bytes + piece.length;
        if (before >= limit) {
            piece.next = PIECE_CUT;
            return piece;
        }
        size_t room = capacity - piece.length;
        room = limit - before < room ? (size_t)(limit - before) : room;
        ssize_t got = source->pull(source->context, memory + piece.length, room, &pace);
        if (got < 0 || (got == 0 && !pace.enough)) {
            piece.next = next_of(got, exchange);
            piece.resume_ns = pace.resume_ns;
            break;
        }
        piece.length += (size_t)got;
    }
    uint64_t given = exchange->content_bytes + piece.length;
    ASSERT(source->length == 0 || given <= source->length);
    ASSERT(source->length == 0 || given == source->length || piece.next != PIECE_END);
    ASSERT(piece.next != PIECE_PAUSE || piece.resume_ns > pace.now_ns);
    return piece;
}

/* Sends bytes now or keeps them; false when the connection is closed. */
static bool send_or_hold(struct engine *engine, struct connection *connection, struct span bytes)
{
    if (bytes.length == 0) {
        return true;
    }
    ssize_t sent = connection_send(connection, bytes);
    engine->now_ns = clock_monotonic_ns();
    if (sent < 0) {
        connection_abandon(engine, connection, CLOSE_CLIENT);
        return false;
    }
    if ((size_t)sent < bytes.length &&
        !connection_hold_output(engine, connection, span_after(bytes, (size_t)sent))) {
        connection_abandon(engine, connection, CLOSE_MEMORY);
        return false;
    }
    return true;
}

/* HTTP/1.0 has no chunks: the close ends the content. */
static bool is_chunked(const struct exchange *exchange)
{
    return exchange->minor_version > 0 && exchange->source.length == 0;
}

/* The bytes of a piece as they are sent. */
static struct span frame_piece(const struct engine *engine, const struct exchange *exchange,
                               const struct piece *piece)
{
    char *content = engine->keep + CHUNK_HEAD_BYTES;
    if (!is_chunked(exchange)) {
        return span_of(content, piece->length);
    }
    char *start = content;
    char *finish = content + piece->length;
    if (piece->length > 0) {
        char head[CHUNK_HEAD_BYTES + 1];
        int head_bytes = snprintf(head, sizeof head, "%zx\r\n", piece->length);
        start -= head_bytes;
        memcpy(start, head, (size_t)head_bytes);
        finish = mempcpy(finish, "\r\n", 2);
    }
    if (piece->next == PIECE_END) {
        finish = mempcpy(finish, "0\r\n\r\n", 5);
    }
    return span_of(start, (size_t)(finish - start));
}

/* Nothing is to be sent for a while, and the peer is not to be blamed for it. */
static void pause_content(struct engine *engine, struct connection *connection, int64_t resume_ns)
{
    if (connection->state != CONNECTION_PAUSED) {
        connection_set_state(engine, connection, CONNECTION_PAUSED);
        connection_set_interest(engine, connection, EPOLLIN | EPOLLRDHUP);
    }
    connection->deadline_ns = INT64_MAX;
    timer_heap_insert(&engine->delays, connection_index(engine, connection), resume_ns);
}

/* All that was pulled is sent, and there is nothing more to pull. */
static void finish_content(struct engine *engine, struct connection *connection)
{
    struct held_exchange *held = connection->exchange;
    if (held->exchange.cut != RESPONSE_WHOLE) {
        connection_abandon(engine, connection, CLOSE_FAULT);
        return;
    }
    connection->exchange = NULL;
    close_source(&held->exchange, true);
    connection_complete(engine, &held->exchange);
    block_pool_give(&engine->held, held);
    connection_resume(engine, connection);
}

void connection_send_content(struct engine *engine, struct connection *connection)
{
    struct exchange *exchange = &connection->exchange->exchange;
    if (exchange->source.pull == NULL) {
        finish_content(engine, connection);
        return;
    }
    struct piece piece = pull_piece(engine, exchange, PIECE_BYTES);
    if (piece.next == PIECE_FAILED) {
        connection_abandon(engine, connection, CLOSE_CONTENT_FAILED);
        return;
    }
    exchange->content_bytes += piece.length;
    if (!send_or_hold(engine, connection, frame_piece(engine, exchange, &piece))) {
        return;
    }
    bool blocked = connection->output != NULL;
    if (piece.next == PIECE_END || piece.next == PIECE_CUT) {
        exchange->source.pull = NULL; /* the rest of the output may still have to go */
        exchange->cut = piece.next == PIECE_CUT ? RESPONSE_CUT_CONTENT : RESPONSE_WHOLE;
        if (!blocked) {
            finish_content(engine, connection);
            return;
        }
    }
    if (piece.next == PIECE_PAUSE && !blocked) {
        pause_content(engine, connection, piece.resume_ns);
    } else {
        connection_start_writing(engine, connection); /* one piece for each turn of the loop */
    }
}

/* Where the answer in the batch's next slot begins in the output. */
static size_t answer_start(const struct engine *engine)
{
    uint32_t before = engine->batch_count;
    return before == 0 ? 0 : engine->batch[before - 1].flushed_offset;
}

/*
 * The output ends within an answer, or before it, and so does the connection. The answers before
 * are whole, and are sent first.
 */
static void end_within_answer(struct engine *engine, struct connection *connection,
                              struct exchange *exchange, enum close_reason reason)
{
    if (exchange->source.close != NULL) {
        close_source(exchange, false);
    }
    exchange->status = reason == CLOSE_FAULT ? STATUS_RESET : STATUS_CLIENT_CLOSED_REQUEST;
    exchange->keep_alive = false;
    connection->close_after_output = true;
    connection->close_reason = (uint8_t)reason;
    if (engine->output.length == 0) {
        connection_complete(engine, exchange); /* nothing is going to be sent */
        return;
    }
    exchange->flushed_offset = (uint32_t)engine->output.length;
    engine->batch_count++;
}

/* Streaming cannot start: the client sees the connection close in place of an answer. */
static void fail_streaming(struct engine *engine, struct connection *connection,
                           struct exchange *exchange, enum close_reason reason)
{
    engine->output.length = answer_start(engine);
    exchange->content_bytes = 0;
    end_within_answer(engine, connection, exchange, reason);
}

/* Cuts an answer that is in the output as far as it has no source. */
static void cut_answer(struct engine *engine, struct connection *connection,
                       struct exchange *exchange)
{
    struct buffer *output = &engine->output;
    size_t start = answer_start(engine);
    struct span answer = span_of(output->data + start, output->length - start);
    const char *empty_line = memmem(answer.data, answer.length, "\r\n\r\n", 4);
    size_t head_bytes = empty_line == NULL ? answer.length : (size_t)(empty_line - answer.data) + 4;
    size_t content_bytes = (answer.length - head_bytes) / 2;
    switch ((enum response_cut)exchange->cut) {
    case RESPONSE_CUT_BEFORE:
        head_bytes = content_bytes = 0;
        break;
    case RESPONSE_CUT_HEAD:
        head_bytes /= 2;
        content_bytes = 0;
        break;
    default:
        break;
    }
    output->length = start + head_bytes + content_bytes;
    exchange->content_bytes = content_bytes;
    end_within_answer(engine, connection, exchange, CLOSE_FAULT);
}

/* The end of the head, and the first piece, of an answer whose content follows. */
static void start_content(struct engine *engine, struct exchange *exchange,
                          const struct piece *piece)
{
    struct buffer *output = &engine->output;
    if (exchange->source.length > 0) {
        buffer_append_span(output, SPAN("content-length: "));
        buffer_append_u64(output, exchange->source.length);
        buffer_append_span(output, SPAN("\r\n"));
    } else if (is_chunked(exchange)) {
        buffer_append_span(output, SPAN("transfer-encoding: chunked\r\n"));
    } else {
        exchange->keep_alive = false;
    }
    response_end_head(output, exchange);
    buffer_append_span(output, frame_piece(engine, exchange, piece));
    ASSERT(!output->overflowed);
    exchange->content_bytes = piece->length;
}

/* Sends what there is of an answer whose content goes on. */
static void start_streaming(struct engine *engine, struct connection *connection,
                            struct exchange *exchange, const struct piece *piece)
{
    start_content(engine, exchange, piece);
    connection->close_after_output = !exchange->keep_alive;
    connection->close_reason = CLOSE_COMPLETE;
    if (!exchange->source.uses_kept) {
        exchange->kept = SPAN(""); /* respond() was all that needed it */
    }
    exchange->body_room = 0;
    if (!connection_hold_exchange(engine, connection, exchange, NULL)) {
        fail_streaming(engine, connection, exchange, CLOSE_MEMORY);
    } else if (!connection_flush(engine, connection)) {
        return; /* WRITING, or closed */
    } else if (piece->next == PIECE_PAUSE) {
        pause_content(engine, connection, piece->resume_ns);
    } else {
        connection_start_writing(engine, connection);
    }
}

static void answer_head_request(struct engine *engine, struct exchange *exchange)
{
    uint64_t length = exchange->source.length;
    close_source(exchange, true);
    if (length > 0) {
        buffer_append_span(&engine->output, SPAN("content-length: "));
        buffer_append_u64(&engine->output, length);
        buffer_append_span(&engine->output, SPAN("\r\n"));
    }
    response_end_head(&engine->output, exchange);
}

/* Whether the cut is within what is in the output already. */
static bool is_cut_in_output(const struct engine *engine, const struct exchange *exchange)
{
    if (exchange->cut != RESPONSE_CUT_CONTENT || exchange->method == METHOD_HEAD) {
        return exchange->cut != RESPONSE_WHOLE;
    }
    struct span answer = span_after(buffer_span(&engine->output), answer_start(engine));
    return memmem(answer.data, answer.length, "\r\n\r\n", 4) != NULL;
}

bool connection_answer_with_source(struct engine *engine, struct connection *connection,
                                   struct exchange *exchange)
{
    if (is_cut_in_output(engine, exchange)) {
        cut_answer(engine, connection, exchange);
        return false;
    }
    if (exchange->method == METHOD_HEAD) {
        answer_head_request(engine, exchange);
        return true;
    }
    size_t room = buffer_room(&engine->output) - RESPONSE_MAX_BYTES / 2;
    struct piece piece = {0};
    if (!exchange->source.uses_kept) { /* that may be where a piece is pulled to: it moves first */
        piece = pull_piece(engine, exchange, room < FIRST_PIECE_BYTES ? room : FIRST_PIECE_BYTES);
    }
    switch (piece.next) {
    case PIECE_END: {
        /* Content that fits next to its head is sent like any other, with its length. */
        close_source(exchange, true);
        struct response response = {&engine->output, exchange, &engine->clock};
        response_finish(&response, span_of(engine->keep + CHUNK_HEAD_BYTES, piece.length));
        return true;
    }
    case PIECE_CUT:
        start_content(engine, exchange, &piece);
        end_within_answer(engine, connection, exchange, CLOSE_FAULT);
        return false;
    case PIECE_FAILED:
        fail_streaming(engine, connection, exchange, CLOSE_CONTENT_FAILED);
        return false;
    default:
        start_streaming(engine, connection, exchange, &piece);
        return false;
    }
}

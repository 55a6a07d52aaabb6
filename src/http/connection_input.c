#include "http/connection.h"

#include "base/assert.h"
#include "base/clock.h"
#include "net/socket.h"

#include <errno.h>
#include <sys/ioctl.h>

static const uint32_t reading = EPOLLIN | EPOLLRDHUP;

/* What one step through the input came to. */
enum step {
    STEP_NEXT,       /* go on with the rest of the input */
    STEP_NEED_BYTES, /* nothing more can be made of the input */
    STEP_STOP,       /* the connection has something else to do first; the rest is kept */
    STEP_CLOSED,     /* there is no connection any more */
};

static const struct request_error no_memory = {
    503, "too many requests are waiting: the limit of --max-held-memory is reached"};

static struct span cut(struct span text, size_t max_bytes)
{
    return span_of(text.data, text.length < max_bytes ? text.length : max_bytes);
}

char *connection_copy_text(char *to, struct span *text)
{
    if (text->length > 0) {
        memcpy(to, text->data, text->length);
    }
    text->data = to;
    return to + text->length;
}

bool connection_hold_exchange(struct engine *engine, struct connection *connection,
                              const struct exchange *exchange, const struct body_decoder *body)
{
    ASSERT(connection->exchange == NULL);
    size_t body_bytes = body == NULL ? 0 : sizeof *body;
    size_t bytes = sizeof(struct held_exchange) + body_bytes + exchange->method_name.length +
                   exchange->target.length + exchange->traceparent.length + exchange->kept.length +
                   exchange->body_room;
    struct held_exchange *held =
        bytes > BLOCK_POOL_CHUNK_BYTES ? NULL : block_pool_take(&engine->held, bytes);
    if (held == NULL) {
        return false;
    }
    held->exchange = *exchange;
    held->body = body == NULL ? NULL : memcpy(held->text, body, body_bytes);
    char *end = connection_copy_text(held->text + body_bytes, &held->exchange.method_name);
    end = connection_copy_text(end, &held->exchange.target);
    end = connection_copy_text(end, &held->exchange.traceparent);
    connection_copy_text(end, &held->exchange.kept);
    connection->exchange = held;
    return true;
}

/* Keeps bytes for later; what was held before must have been used. */
static bool hold_input(struct engine *engine, struct connection *connection, struct span rest)
{
    if (rest.length == 0) {
        return true;
    }
    ASSERT(connection->input == NULL);
    connection->input = block_pool_take(&engine->held, rest.length);
    if (connection->input == NULL) {
        return false;
    }
    memcpy(connection->input, rest.data, rest.length);
    connection->input_bytes = (uint32_t)rest.length;
    return true;
}

/* Moves the held bytes to the front of the worker's input. Returns their number. */
static size_t unhold_input(struct engine *engine, struct connection *connection)
{
    if (connection->input == NULL) {
        return 0;
    }
    memcpy(engine->input, connection->input, connection->input_bytes);
    block_pool_give(&engine->held, connection->input);
    connection->input = NULL;
    return connection->input_bytes;
}

static void wait_for_delay(struct engine *engine, struct connection *connection)
{
    const struct exchange *exchange = &connection->exchange->exchange;
    connection_set_state(engine, connection, CONNECTION_WAITING);
    connection->deadline_ns = INT64_MAX;
    timer_heap_insert(&engine->delays, connection_index(engine, connection),
                      exchange->started_ns + exchange->delay_ns);
}

static void expect_body(struct engine *engine, struct connection *connection)
{
    connection_set_state(engine, connection, CONNECTION_BODY);
    connection_set_interest(engine, connection, reading);
    connection_set_timeout(engine, connection, engine->settings.body_timeout_ns);
}

static void expect_head(struct engine *engine, struct connection *connection)
{
    connection_set_interest(engine, connection, reading);
    if (connection->input == NULL) {
        connection_set_state(engine, connection, CONNECTION_IDLE);
        connection_set_timeout(engine, connection, engine->settings.idle_timeout_ns);
    } else if (connection->state != CONNECTION_HEAD) {
        /* From the first byte on, and not prolonged by the next ones. */
        connection_set_state(engine, connection, CONNECTION_HEAD);
        connection_set_timeout(engine, connection, engine->settings.head_timeout_ns);
    }
}

bool connection_has_another_request(const struct connection *connection, struct span rest)
{
    if (rest.length > 0 && memmem(rest.data, rest.length, "\r\n\r\n", 4) != NULL) {
        return true;
    }
    int unread = 0;
    return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}

static ALWAYS_INLINE void settle(struct engine *engine, struct connection *connection,
                                 struct span rest)
{
    bool sent = connection_send_batch(engine, connection);
    if (!connection_is_open(connection)) {
        return;
    }
    bool closing = connection->close_after_output;
    if (!closing && !hold_input(engine, connection, rest)) {
        connection_abandon(engine, connection, CLOSE_MEMORY);
        return;
    }
    if (!sent || connection->state == CONNECTION_WRITING ||
        connection->state == CONNECTION_PAUSED) {
        return; /* connection_resume goes on from there */
    }
    if (closing) {
        connection_linger(engine, connection);
    } else if (connection->exchange == NULL) {
        if (UNLIKELY(engine->draining) && connection->has_answered &&
            !connection_has_another_request(connection, rest)) {
            connection_close(engine, connection, CLOSE_DRAIN);
            return;
        }
        expect_head(engine, connection);
    } else if (connection->exchange->body != NULL) {
        expect_body(engine, connection);
    } else {
        wait_for_delay(engine, connection);
    }
}

void connection_settle(struct engine *engine, struct connection *connection, struct span rest)
{
    settle(engine, connection, rest);
}

COLD void connection_refuse(struct engine *engine, struct connection *connection,
                            struct exchange *exchange, const struct request_error *error,
                            enum close_reason reason)
{
    exchange->status = error->status;
    exchange->refused = true;
    exchange->keep_alive = false;
    struct response response = {&engine->output, exchange, &engine->clock};
    response_start(&response);
    response_field(&response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
    char memory[256];
    struct buffer text = buffer_over(memory, sizeof memory);
    buffer_append_span(&text, span_from_string(error->reason));
    buffer_append_byte(&text, '\n');
    response_finish(&response, buffer_span(&text));
    exchange->flushed_offset = (uint32_t)engine->output.length;
    engine->batch_count++;
    connection->close_after_output = true;
    connection->close_reason = (uint8_t)reason;
}

/* Behind `kept`, in `memory`, whose end that is and which has room for it. */
static void keep_content(struct exchange *exchange, char *memory, struct span content)
{
    exchange->body_cut |= content.length > exchange->body_room;
    struct span part = cut(content, exchange->body_room);
    if (part.length > 0) {
        size_t end = (size_t)(exchange->kept.data - memory) + exchange->kept.length;
        memcpy(memory + end, part.data, part.length);
        exchange->kept.length += part.length;
        exchange->body_room -= (uint32_t)part.length;
    }
}

/* Feeds the decoder. Content that the application has no room for is dropped. */
static enum body_result take_body(struct exchange *exchange, char *memory,
                                  struct body_decoder *decoder, struct span *input,
                                  struct request_error *error)
{
    enum body_result result = BODY_INCOMPLETE;
    do {
        struct span content;
        result = body_decode(decoder, input, &content, error);
        if (result != BODY_REFUSED) {
            keep_content(exchange, memory, content);
        }
    } while (result == BODY_INCOMPLETE && input->length > 0);
    return result;
}

static bool must_wait(const struct exchange *exchange)
{
    return exchange->delay_ns > 0;
}

/* The clock is read when answers are sent; what waits counts from now, not from the last one. */
static void start_now(struct engine *engine, struct exchange *exchange)
{
    engine->now_ns = clock_monotonic_ns();
    exchange->started_ns = engine->now_ns;
}

/* The request is whole: answers it, or holds it until it is due. */
static enum step answer_or_wait(struct engine *engine, struct connection *connection,
                                struct exchange *exchange, struct span rest)
{
    if (!must_wait(exchange)) {
        return connection_answer(engine, connection, exchange, rest) ? STEP_NEXT : STEP_STOP;
    }
    start_now(engine, exchange);
    if (connection_hold_exchange(engine, connection, exchange, NULL)) {
        return STEP_STOP;
    }
    connection_refuse(engine, connection, exchange, &no_memory, CLOSE_MEMORY);
    return STEP_NEXT;
}

/* The body of a request whose head has just been handled. */
static NO_INLINE enum step start_body(struct engine *engine, struct connection *connection,
                                      struct exchange *exchange, const struct request *request,
                                      struct span *input)
{
    struct body_decoder body;
    struct request_error error;
    enum body_result result = body_start(&body, request, engine->settings.max_body_bytes, &error);
    bool announced = result == BODY_INCOMPLETE && request->expects_continue && input->length == 0;
    if (result == BODY_INCOMPLETE && input->length > 0) {
        result = take_body(exchange, engine->keep, &body, input, &error);
    }
    if (result == BODY_COMPLETE) {
        return answer_or_wait(engine, connection, exchange, *input);
    }
    if (result == BODY_REFUSED) {
        connection_refuse(engine, connection, exchange, &error, CLOSE_BAD_REQUEST);
        return STEP_NEXT;
    }
    if (announced && exchange->refused) {
        /* The client may or may not send the body now, so no request can be told behind it. */
        exchange->keep_alive = false;
        return connection_answer(engine, connection, exchange, *input) ? STEP_NEXT : STEP_STOP;
    }
    start_now(engine, exchange);
    if (!connection_hold_exchange(engine, connection, exchange, &body)) {
        connection_refuse(engine, connection, exchange, &no_memory, CLOSE_MEMORY);
        return STEP_NEXT;
    }
    if (announced) {
        buffer_append_span(&engine->output, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    return STEP_STOP;
}

static void fill_exchange(const struct engine *engine, const struct connection *connection,
                          const struct request *request, struct exchange *exchange)
{
    exchange->started_ns = engine->now_ns;
    exchange->delay_ns = ACCESS_DELAY_NONE;
    exchange->method_name = cut(request->method_name, ACCESS_METHOD_MAX_BYTES);
    exchange->target = cut(request->target, ACCESS_TARGET_MAX_BYTES);
    exchange->target_truncated = request->target.length > ACCESS_TARGET_MAX_BYTES;
    exchange->client = connection->peer;
    exchange->method = (uint8_t)request->method;
    exchange->minor_version = request->minor_version;
    exchange->surface = connection->surface;
    exchange->keep_alive = request->keep_alive;
}

static enum request_result parse_head(struct engine *engine, struct span input,
                                      size_t *ret_head_bytes, struct request_error *ret_error)
{
    struct request *request = &engine->request;
    struct request_limits limits = {engine->settings.max_head_bytes};
    enum request_result result = request_parse(input, &limits, request, ret_head_bytes, ret_error);
    /* Answers in the batch may have texts of the head that is remembered. */
    if (result == REQUEST_COMPLETE && engine->batch_count == 0) {
        head_memo_note(&engine->memo, span_of(input.data, *ret_head_bytes), request, &limits);
    }
    return result;
}

/* Takes the next head and starts its exchange. */
static enum step start_exchange(struct engine *engine, struct connection *connection,
                                struct span *input)
{
    size_t answer_bytes = engine->settings.max_head_bytes + RESPONSE_MAX_BYTES;
    if (!connection_make_room(engine, connection, answer_bytes)) {
        return connection_is_open(connection) ? STEP_STOP : STEP_CLOSED;
    }
    struct request_error error;
    size_t head_bytes = 0;
    enum request_result result = REQUEST_COMPLETE;
    const struct request *request = head_memo_recall(&engine->memo, *input, &head_bytes);
    if (UNLIKELY(request == NULL)) {
        request = &engine->request;
        result = parse_head(engine, *input, &head_bytes, &error);
    }
    if (result == REQUEST_INCOMPLETE) {
        return STEP_NEED_BYTES;
    }
    struct exchange *exchange = connection_next_answer(engine);
    fill_exchange(engine, connection, request, exchange);
    if (result == REQUEST_REFUSED) {
        connection_refuse(engine, connection, exchange, &error, CLOSE_BAD_REQUEST);
        return STEP_NEXT;
    }
    *input = span_after(*input, head_bytes);
    connection_set_state(engine, connection, CONNECTION_IDLE); /* the next head has its own time */
    struct buffer keep = buffer_over(engine->keep, ENGINE_IO_BYTES);
    engine->application.begin(engine->application.context, exchange, request, &keep);
    ASSERT(!keep.overflowed && buffer_room(&keep) >= exchange->body_room);
    exchange->kept = buffer_span(&keep);
    if (!request->chunked && request->content_length == 0) {
        return answer_or_wait(engine, connection, exchange, *input);
    }
    return start_body(engine, connection, exchange, request, input);
}

/* More of the body of the exchange that is held. */
static NO_INLINE enum step continue_body(struct engine *engine, struct connection *connection,
                                         struct span *input)
{
    struct held_exchange *held = connection->exchange;
    struct request_error error;
    enum body_result result = take_body(&held->exchange, held->text, held->body, input, &error);
    if (result == BODY_INCOMPLETE) {
        return STEP_STOP;
    }
    if (result == BODY_COMPLETE && must_wait(&held->exchange)) {
        held->body = NULL;
        return STEP_STOP;
    }
    struct exchange *answer = connection_next_answer(engine);
    *answer = held->exchange;
    connection->exchange = NULL;
    enum step step = STEP_NEXT;
    if (result == BODY_REFUSED) {
        connection_refuse(engine, connection, answer, &error, CLOSE_BAD_REQUEST);
    } else if (!connection_answer(engine, connection, answer, *input)) {
        step = STEP_STOP;
    }
    if (!connection_flush_and_release(engine, connection, held)) {
        step = connection_is_open(connection) ? STEP_STOP : STEP_CLOSED;
    }
    return step;
}

static void process(struct engine *engine, struct connection *connection, struct span input)
{
    enum step step = STEP_NEXT;
    while (step == STEP_NEXT && input.length > 0 && !connection->close_after_output) {
        step = connection->exchange != NULL ? continue_body(engine, connection, &input)
                                            : start_exchange(engine, connection, &input);
    }
    if (step != STEP_CLOSED) {
        settle(engine, connection, input);
    }
}

void connection_read(struct engine *engine, struct connection *connection)
{
    uint32_t held = connection->input == NULL ? 0 : connection->input_bytes;
    ASSERT(held < ENGINE_IO_BYTES);
    ssize_t got = socket_receive(connection->fd, engine->input + held, ENGINE_IO_BYTES - held);
    if (got > 0) {
        unhold_input(engine, connection);
        process(engine, connection, span_of(engine->input, held + (size_t)got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        connection_abandon(engine, connection, CLOSE_CLIENT);
    }
}

void connection_resume(struct engine *engine, struct connection *connection)
{
    if (connection->close_after_output) {
        connection_linger(engine, connection);
    } else if (connection->exchange != NULL) {
        /* Held input waits on: it is behind this exchange, or is its body. */
        if (connection->exchange->body == NULL) {
            connection_set_interest(engine, connection, reading);
            wait_for_delay(engine, connection);
        } else {
            connection_set_state(engine, connection, CONNECTION_BODY);
            size_t held = unhold_input(engine, connection);
            process(engine, connection, span_of(engine->input, held));
        }
    } else {
        connection_set_state(engine, connection, CONNECTION_IDLE);
        size_t held = unhold_input(engine, connection);
        process(engine, connection, span_of(engine->input, held));
    }
}

void connection_due(struct engine *engine, struct connection *connection)
{
    if (UNLIKELY(connection->state == CONNECTION_PAUSED)) {
        connection_send_content(engine, connection);
        return;
    }
    struct held_exchange *held = connection->exchange;
    size_t rest_bytes = unhold_input(engine, connection);
    struct span rest = span_of(engine->input, rest_bytes);
    struct exchange *answer = connection_next_answer(engine);
    *answer = held->exchange;
    answer->waited_ns = engine->now_ns - answer->started_ns;
    connection->exchange = NULL;
    connection_set_state(engine, connection, CONNECTION_IDLE);
    bool go_on = connection_answer(engine, connection, answer, rest);
    go_on &= connection_flush_and_release(engine, connection, held);
    if (!connection_is_open(connection)) {
        return;
    }
    if (go_on && !connection->close_after_output) {
        process(engine, connection, rest);
    } else {
        connection_settle(engine, connection, rest);
    }
}

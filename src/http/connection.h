/*
 * A connection and what is done with it. Private to the engine: connection.c has its life,
 * connection_input.c reads and parses, connection_output.c answers, connection_content.c sends
 * content that is made while it is sent.
 */
#pragma once

#include "base/clock.h"
#include "http/body.h"
#include "http/engine.h"
#include "net/socket.h"

enum { EVENT_LISTENER = LOOP_KIND_FIRST_FREE, EVENT_CONNECTION };

/* An exchange that cannot be answered at once, with the texts that its spans point to behind it. */
struct held_exchange {
    struct exchange exchange;
    struct body_decoder *body; /* of a body that is not complete: in `text`, before the rest */
    char text[];
};
_Static_assert(offsetof(struct held_exchange, text) % _Alignof(struct body_decoder) == 0,
               "a decoder can be at the start of `text`");

/* Answers whose last byte the kernel has not taken yet: exchanges first, then their texts. */
struct unsent_answers {
    uint32_t count;
    uint32_t next; /* the first that is not complete */
    struct exchange exchanges[];
};

struct connection {
    uint32_t next_free;  /* the slab's while the connection is free */
    uint32_t generation; /* one more for each life: a stale event does not match */
    int fd;
    uint16_t interest; /* EPOLL* events asked for */
    uint8_t state;     /* enum connection_state */
    uint8_t surface;
    struct peer_address peer;
    uint8_t close_reason; /* for the close behind the answer */
    bool close_after_output;
    bool has_answered;   /* one request at least */
    int64_t deadline_ns; /* of the state's timeout, known to the wheel; INT64_MAX: none */
    /* Blocks of engine->held; NULL where there is nothing to hold. */
    char *input;                    /* bytes read and not used yet */
    char *output;                   /* bytes of answers that the kernel has not taken */
    struct held_exchange *exchange; /* in BODY, WAITING and PAUSED, and in WRITING with a source */
    struct unsent_answers *unsent;
    uint32_t input_bytes;
    uint32_t output_bytes; /* in the block */
    uint32_t output_sent;  /* of them */
    union {
        uint32_t untaken_bytes; /* in WRITING: of those in the kernel, at the last look */
        uint32_t dropped_bytes; /* in LINGERING: since its time began anew */
    };
};

/* 15,000 waiting requests must fit into 20 MB, with all that they hold. */
_Static_assert(sizeof(struct connection) <= 128, "a connection is two cache lines");

static inline struct connection *connection_at(const struct engine *engine, uint32_t index)
{
    return slab_at(&engine->connections, index);
}

static inline uint32_t connection_index(const struct engine *engine,
                                        const struct connection *connection)
{
    return (uint32_t)((size_t)((const char *)connection - engine->connections.memory) /
                      sizeof *connection);
}

static inline bool connection_is_open(const struct connection *connection)
{
    return connection->state != CONNECTION_FREE;
}

/* connection.c */

/* A new connection on an accepted descriptor, which it owns. Closes it when there is no room. */
void connection_open(struct engine *engine, int fd, enum surface surface,
                     const struct sockaddr_storage *address);
void connection_close(struct engine *engine, struct connection *connection,
                      enum close_reason reason);
static inline void connection_set_state(struct engine *engine, struct connection *connection,
                                        enum connection_state state)
{
    if (connection->state != state) {
        engine_count(&engine->states[connection->state], UINT64_MAX);
        engine_count(&engine->states[state], 1);
        connection->state = (uint8_t)state;
    }
}
void connection_set_interest(struct engine *engine, struct connection *connection,
                             uint32_t interest);
void connection_set_timeout(struct engine *engine, struct connection *connection,
                            int64_t timeout_ns);

/* The time for the peer to take more of its answers starts anew. */
void connection_expect_taking(struct engine *engine, struct connection *connection);

/* The client is gone: ends what it was waiting for with 499, and closes. */
void connection_abandon(struct engine *engine, struct connection *connection,
                        enum close_reason reason);

/* The timeout of its state has passed. May close it. */
void connection_timed_out(struct engine *engine, struct connection *connection);

/* All answers are sent and no more are wanted: closes it so that the last one is not lost. */
void connection_linger(struct engine *engine, struct connection *connection);

/* An event of the loop. */
void connection_event(struct engine *engine, struct connection *connection, uint32_t events);

/* connection_input.c */

/* Reads once, and handles what came. */
void connection_read(struct engine *engine, struct connection *connection);

/*
 * Its output is sent: goes on with the exchange it holds, with the bytes it holds, or with
 * reading.
 */
void connection_resume(struct engine *engine, struct connection *connection);

/* The delay of its exchange is over, or the pause within its content. */
void connection_due(struct engine *engine, struct connection *connection);

/* Puts an error answer that the engine itself makes into the batch, to be closed behind it. */
void connection_refuse(struct engine *engine, struct connection *connection,
                       struct exchange *exchange, const struct request_error *error,
                       enum close_reason reason);

/*
 * Sends the batch and then gives a block back that the batch's texts may be in. False when the
 * connection is WRITING or closed afterwards.
 */
WARN_UNUSED bool connection_flush_and_release(struct engine *engine, struct connection *connection,
                                              struct held_exchange *held);

/* Sends the batch, keeps `rest`, and sets state and timeout for what comes next. */
void connection_settle(struct engine *engine, struct connection *connection, struct span rest);

/* Whether more than the answer at hand is here from the peer, read or not: for draining. */
bool connection_has_another_request(const struct connection *connection, struct span rest);

/*
 * Copies the exchange, with what its spans point to, and the decoder of a body that is not complete
 * (otherwise NULL) into a block. False when the limit of held memory is reached.
 */
WARN_UNUSED bool connection_hold_exchange(struct engine *engine, struct connection *connection,
                                          const struct exchange *exchange,
                                          const struct body_decoder *body);

/* Copies a text that may be nothing at all, points the span to the copy, and returns its end. */
char *connection_copy_text(char *to, struct span *text);

/* connection_output.c */

/* The slot in the batch for the next answer. There must be room: see connection_make_room. */
struct exchange *connection_next_answer(struct engine *engine);

/*
 * Sends what is in the output when less than one answer's room is left. False when the
 * connection cannot take more now (it is WRITING then) or is closed.
 */
WARN_UNUSED bool connection_make_room(struct engine *engine, struct connection *connection,
                                      size_t answer_bytes);

/*
 * Writes the answer of an exchange that is in the batch's next slot. `rest` is what was read
 * behind its request. False when content is to be streamed: then the connection holds the exchange
 * and takes no further request until that is done.
 */
WARN_UNUSED bool connection_answer(struct engine *engine, struct connection *connection,
                                   struct exchange *exchange, struct span rest);

/* Sends the batch. False when the connection is WRITING or closed afterwards. */
WARN_UNUSED bool connection_flush(struct engine *engine, struct connection *connection);

/* The socket takes bytes again: goes on with what is unsent. */
void connection_write(struct engine *engine, struct connection *connection);

/* Ends an exchange: tells the application. */
static inline void connection_complete(struct engine *engine, const struct exchange *exchange)
{
    struct completion completion = {
        .exchange = exchange,
        .completed_ns = engine->now_ns,
        .completed_realtime_ns = engine->now_ns + engine->clock.realtime_offset_ns,
    };
    engine->application.complete(engine->application.context, &completion);
}

static inline void connection_clear_batch(struct engine *engine)
{
    engine->batch_count = 0;
    engine->output.length = 0;
}

/*
 * The kernel took only `sent` bytes of the batch, or none (-1 with errno set): keeps the rest. The
 * connection is WRITING or closed afterwards; always false.
 */
WARN_UNUSED bool connection_keep_unsent(struct engine *engine, struct connection *connection,
                                        ssize_t sent);

/* connection_flush() without a call: what every answer goes through. */
WARN_UNUSED static ALWAYS_INLINE bool connection_send_batch(struct engine *engine,
                                                            struct connection *connection)
{
    size_t length = engine->output.length;
    if (length == 0) {
        return true;
    }
    ssize_t sent = socket_send(connection->fd, engine->output.data, length);
    engine->now_ns = clock_monotonic_ns();
    if (UNLIKELY(sent != (ssize_t)length)) {
        return connection_keep_unsent(engine, connection, sent);
    }
    for (uint32_t i = 0; i < engine->batch_count; i++) {
        connection_complete(engine, &engine->batch[i]);
    }
    connection_clear_batch(engine);
    return true;
}

/* Ends all answers that are not wholly sent with 499. */
void connection_abandon_output(struct engine *engine, struct connection *connection);

/* Sends what it can. Returns the bytes taken, 0 when none can be now, or a negative errno. */
WARN_UNUSED ssize_t connection_send(const struct connection *connection, struct span bytes);

/* Keeps bytes that the kernel did not take; no others must be kept. False without memory. */
WARN_UNUSED bool connection_hold_output(struct engine *engine, struct connection *connection,
                                        struct span unsent);

/* Waits until the socket takes bytes again. */
void connection_start_writing(struct engine *engine, struct connection *connection);

/* connection_content.c */

/*
 * Answers an exchange in the batch's next slot whose content has a source, or that is to be cut.
 * True when it is an answer like any other, which is in the output; false as connection_answer.
 */
WARN_UNUSED bool connection_answer_with_source(struct engine *engine, struct connection *connection,
                                               struct exchange *exchange);

/*
 * What was pulled is sent, or a pause is over: sends the next piece, or ends the exchange when
 * there is none.
 */
void connection_send_content(struct engine *engine, struct connection *connection);

/* The client sees an error where it might take the close for the end. Before the close. */
void connection_reset_on_close(const struct connection *connection);

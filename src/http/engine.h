/*
 * The HTTP/1.1 engine of one worker: its loop, listeners, connections, timers and memory. All that
 * it will ever use is reserved by engine_init; no request makes it allocate.
 *
 * One thread runs it; the functions that other threads may call say so.
 */
#pragma once

#include "base/block_pool.h"
#include "base/slab.h"
#include "http/exchange.h"
#include "http/head_memo.h"
#include "http/response.h"
#include "net/loop.h"
#include "net/timeout_wheel.h"
#include "net/timer_heap.h"

#include <stdatomic.h>
#include <stdint.h>

/* Heads must leave room for the fields that an answer has of its own. */
#define ENGINE_MAX_HEAD_LIMIT ((size_t)61440)
#define ENGINE_IO_BYTES BLOCK_POOL_CHUNK_BYTES
#define ENGINE_MAX_LISTENERS 64
#define ENGINE_MAX_BATCH 32 /* answers that leave in one system call */

struct engine_settings {
    uint32_t max_connections; /* of this worker */
    size_t max_head_bytes;    /* at most ENGINE_MAX_HEAD_LIMIT */
    uint64_t max_body_bytes;
    size_t max_held_bytes; /* memory for waiting requests and unsent output */
    int64_t idle_timeout_ns;
    int64_t head_timeout_ns;
    int64_t body_timeout_ns;
    int64_t write_timeout_ns;
    int64_t busy_poll_ns; /* so long before a delay ends the loop polls in place of sleeping */
};

/* Where a connection is. */
enum connection_state {
    CONNECTION_FREE,
    CONNECTION_IDLE,      /* open, no byte of a request here */
    CONNECTION_HEAD,      /* part of a head is here */
    CONNECTION_BODY,      /* the head is here, the body is being read */
    CONNECTION_WAITING,   /* the answer is not due yet */
    CONNECTION_WRITING,   /* the peer is slow to take the answer */
    CONNECTION_PAUSED,    /* part of the answer is sent, the rest is not due yet */
    CONNECTION_LINGERING, /* all is sent; waits for the peer to close */
    CONNECTION_STATE_COUNT
};

/* Why a connection was closed. */
enum close_reason {
    CLOSE_CLIENT,   /* the peer closed or reset it */
    CLOSE_COMPLETE, /* one side had asked for the close behind the last answer */
    CLOSE_IDLE_TIMEOUT,
    CLOSE_HEAD_TIMEOUT,
    CLOSE_BODY_TIMEOUT,
    CLOSE_WRITE_TIMEOUT,
    CLOSE_BAD_REQUEST,    /* what came could not be framed */
    CLOSE_MEMORY,         /* the limit of held memory was reached */
    CLOSE_CONTENT_FAILED, /* the content could not be made to its end */
    CLOSE_FAULT,          /* reset on purpose, in the place of an answer or within one */
    CLOSE_DRAIN,          /* idle when the server was told to end */
    CLOSE_CUT_OFF,        /* not finished in time when the server was told to end */
    CLOSE_REASON_COUNT
};

const char *connection_state_name(enum connection_state state);
const char *close_reason_name(enum close_reason reason);

struct listening_socket {
    int fd; /* owned */
    uint8_t surface;
};

struct engine {
    /* What every request needs, next to each other: it is cold when the kernel returns. */
    int64_t now_ns; /* the latest reading of the clock */
    struct application application;
    char *input;            /* owned: ENGINE_IO_BYTES, lent to the connection being read */
    char *keep;             /* owned: ENGINE_IO_BYTES, for begin() */
    struct buffer output;   /* owned: ENGINE_IO_BYTES */
    struct exchange *batch; /* owned: ENGINE_MAX_BATCH answers in `output` */
    uint32_t batch_count;
    bool accepting; /* listeners are watched */
    bool draining;
    /* Written by any thread. */
    _Atomic bool drain_requested;
    _Atomic bool stop_requested;
    struct slab connections; /* of struct connection */
    struct timer_heap delays;
    struct engine_settings settings;
    struct response_clock clock;
    struct request request; /* the head that was parsed last */
    struct head_memo memo;

    struct loop loop;
    struct timeout_wheel timeouts;
    struct block_pool held;
    struct listening_socket listeners[ENGINE_MAX_LISTENERS];
    uint32_t listener_count;
    uint32_t drain_accepts;   /* how many more connections may be accepted while draining */
    int64_t accept_resume_ns; /* when to try again after running out of descriptors */

    /* Written by the worker alone, read by any thread. */
    _Atomic uint64_t accepted;
    _Atomic uint64_t states[CONNECTION_STATE_COUNT];
    _Atomic uint64_t closed[CLOSE_REASON_COUNT];
    _Atomic uint64_t accept_pauses;
    _Atomic uint64_t accept_failures;
};

/* Returns 0 or a negative errno. The engine must not move afterwards. */
WARN_UNUSED int engine_init(struct engine *engine, const struct engine_settings *settings,
                            const struct application *application);

/* Closes what is open and frees all memory. Not while engine_run runs. */
void engine_destroy(struct engine *engine);

/*
 * Accepts on a listening, non-blocking socket, which is the engine's from here on, also when this
 * fails. Returns 0 or a negative errno.
 */
WARN_UNUSED int engine_add_listener(struct engine *engine, int fd, enum surface surface);

/*
 * Serves until drained or stopped. Returns how many exchanges were cut off: 0 when it was drained.
 */
uint64_t engine_run(struct engine *engine);

/*
 * One turn of engine_run, for who drives an engine step by step: waits until something is to be
 * done, and does it. False when engine_run would return, with what it would return.
 */
bool engine_turn(struct engine *engine, uint64_t *ret_cut_off);

/*
 * Stop accepting (after the accept queue is empty), close idle connections, answer what has been
 * received, then return from engine_run. Any thread; async-signal-safe.
 */
void engine_request_drain(struct engine *engine);

/* Return from engine_run at once, cutting off what is not finished. Any thread. */
void engine_request_stop(struct engine *engine);

/* Single-writer counters: no lock-prefixed instruction. The engine's thread only. */
static inline void engine_count(_Atomic uint64_t *counter, uint64_t change)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + change,
                          memory_order_relaxed);
}

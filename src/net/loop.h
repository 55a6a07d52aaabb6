/*
 * The event loop of one worker: epoll, level-triggered, with one timerfd for the next deadline and
 * one eventfd by which other threads wake it. What an event is about is in its token, made of a
 * kind, an index and a generation, so that a stale event never touches a reused slot.
 *
 * A timerfd and not epoll_wait's timeout: the kernel gives the timeout a slack of 0.1 % of its
 * length (a wait of 1 s ends 1 ms late), a timerfd is late by the wake-up alone.
 *
 * One thread at a time, except loop_wake.
 */
#pragma once

#include "base/compiler.h"

#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_MAX_EVENTS 256

/* Kinds 0 and 1 are the loop's own. */
enum { LOOP_KIND_TIMER = 0, LOOP_KIND_WAKE = 1, LOOP_KIND_FIRST_FREE = 2 };

struct loop {
    int epoll_fd;
    int timer_fd;
    int wake_fd;
    int64_t armed_ns; /* what the timerfd is set to; INT64_MAX: never; INT64_MIN: it has fired */
    struct epoll_event events[LOOP_MAX_EVENTS];
};

/* kind: 8 bits; generation: 24 bits (wraps); index: 32 bits. */
static inline uint64_t loop_token(uint8_t kind, uint32_t generation, uint32_t index)
{
    return (uint64_t)kind << 56 | (uint64_t)(generation & 0xffffff) << 32 | index;
}

static inline uint8_t loop_token_kind(uint64_t token)
{
    return (uint8_t)(token >> 56);
}

static inline uint32_t loop_token_generation(uint64_t token)
{
    return (uint32_t)(token >> 32) & 0xffffff;
}

static inline uint32_t loop_token_index(uint64_t token)
{
    return (uint32_t)token;
}

/* Returns 0 or a negative errno; on failure nothing is left open. */
WARN_UNUSED int loop_init(struct loop *loop);

void loop_destroy(struct loop *loop);

/* Watch a descriptor for EPOLL* events; the descriptor stays the caller's. 0 or negative errno. */
WARN_UNUSED int loop_add(struct loop *loop, int fd, uint32_t events, uint64_t token);
void loop_modify(struct loop *loop, int fd, uint32_t events, uint64_t token);

/*
 * Makes loop_wait return at `deadline_ns` (monotonic; INT64_MAX: never) at the latest; it may
 * return earlier. To be called with the earliest deadline before every loop_wait.
 */
void loop_set_deadline(struct loop *loop, int64_t deadline_ns);

/*
 * Waits for events and returns their number; they are in loop->events. Interrupted waits count as
 * no event. The wake-up descriptor is read here; its event is still reported.
 */
int loop_wait(struct loop *loop);

/* As loop_wait, but does not wait. */
int loop_poll(struct loop *loop);

/* Makes loop_wait return soon. Any thread; async-signal-safe. */
void loop_wake(struct loop *loop);

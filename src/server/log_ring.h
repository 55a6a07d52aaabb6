/*
 * A bounded queue of access records between one worker and the log thread: one producer, one
 * consumer, no lock and no lock-prefixed instruction. A record takes 72 bytes and its method and
 * target, rounded up to 8. What does not fit is dropped and counted; the producer never waits.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "http/access_record.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_MIN_BYTES ((size_t)4096)

/* 1 MiB holds about 12,000 requests for short targets; the log thread is told at half. */
#define LOG_RING_DEFAULT_BYTES ((size_t)1024 * 1024)

/* Where workers tell the log thread that there is something to do; shared by all rings of a log. */
struct log_signal {
    CACHE_ALIGNED _Atomic bool asleep; /* the log thread waits for event_fd, and for little else */
    int event_fd;                      /* eventfd, non-blocking */
};

struct log_ring {
    /* Written by the producer. */
    CACHE_ALIGNED _Atomic uint64_t head; /* bytes ever written */
    uint64_t known_tail;                 /* what the producer last saw of tail */
    _Atomic uint64_t dropped;            /* records that did not fit */
    bool pressure_told;                  /* since the ring was last seen less than half full */
    /* Written by the consumer. */
    CACHE_ALIGNED _Atomic uint64_t tail; /* bytes ever read */
    /* Constant. */
    CACHE_ALIGNED char *memory; /* owned; capacity bytes */
    uint64_t capacity;          /* power of two */
    struct log_signal *signal;  /* not owned; may be NULL */
};

/*
 * Allocates `capacity_bytes` (a power of two, at least LOG_RING_MIN_BYTES). -EINVAL or -ENOMEM.
 * access_log_start() sets the signal, before the producer may push. The ring must not move while
 * it is used.
 */
int log_ring_initialise(struct log_ring *ring, size_t capacity_bytes) WARN_UNUSED;
void log_ring_release(struct log_ring *ring);

/*
 * Producer's thread only. `record->method_length` and `target_length` say how many bytes of
 * `method` and `target` are copied (they may be NULL when that is 0). False when the ring was full:
 * the record is dropped and counted. Wakes the log thread (one write to an eventfd) only when it
 * announced that it sleeps, or once when the ring becomes half full.
 */
bool log_ring_push(struct log_ring *ring, const struct access_record *record, const char *method,
                   const char *target);

/* A record in the ring's own memory, valid until it is popped. */
struct log_entry {
    const struct access_record *record;
    struct span method;
    struct span target;
};

/* Consumer's thread only: looks at the oldest record; false when there is none. */
bool log_ring_peek(struct log_ring *ring, struct log_entry *ret_entry);

/* Consumer's thread only: frees the record that log_ring_peek() showed. */
void log_ring_pop(struct log_ring *ring, const struct log_entry *entry);

/* Any thread. */
static inline uint64_t log_ring_dropped(const struct log_ring *ring)
{
    return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}

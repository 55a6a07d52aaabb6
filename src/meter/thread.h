/*
 * Which shard a thread owns, and which threads are just reading what may be removed.
 *
 * A thread owns at most one shard index at a time, for all registries of the process; it takes the
 * lowest free one and gives it back when it ends (or never: then the index stays taken). What is
 * removed while a thread is inside a section is freed only after that thread left it.
 */
#pragma once

#include "base/compiler.h"
#include "meter.h"

#include <stdbool.h>
#include <stdint.h>

#define SHARED_SHARD (METER_SHARDS - 1)
#define NO_SHARD METER_SHARDS /* its cells are always NULL: the slow path follows */

/* Once per process, before any of the others; any thread, any number of times. */
void thread_start(void);

/* The shard that the calling thread owns, taking one if it has none; SHARED_SHARD if none is free.
 */
uint32_t thread_shard(void);

/* ---- Sections, inline because a lookup is little more than one ---- */

enum section_kind { SECTION_OUTSIDE, SECTION_IN_OWN_SLOT, SECTION_AMONG_OTHERS };

struct thread_section {
    uint32_t depth;
    enum section_kind kind;
};

/* 0: outside; else the epoch at which its thread went in. A line each: written at every section. */
struct reader_slot {
    uint64_t epoch;
} CACHE_ALIGNED;

/* Read without a call, also in the shared library: these are few bytes. */
extern __thread struct thread_section thread_section __attribute__((tls_model("initial-exec")));
extern struct reader_slot thread_reader_slots[SHARED_SHARD]; /* atomic */
extern uint64_t thread_current_epoch;                        /* atomic */
extern bool thread_needs_fence;

/* The way in for a thread without a shard. */
void thread_section_begin_slowly(void);
void thread_section_end_slowly(void);

/* meter_enter() and meter_leave(). */
static inline void thread_section_begin(void)
{
    if (thread_section.depth++ > 0) {
        return;
    }
    uint32_t shard = meter_thread_shard;
    if (UNLIKELY(shard >= SHARED_SHARD)) {
        thread_section_begin_slowly();
        return;
    }
    thread_section.kind = SECTION_IN_OWN_SLOT;
    uint64_t epoch = __atomic_load_n(&thread_current_epoch, __ATOMIC_ACQUIRE);
    __atomic_store_n(&thread_reader_slots[shard].epoch, epoch, __ATOMIC_RELEASE);
    /* The store must be seen before anything is read inside. Whoever frees runs a barrier on every
     * thread for it (membarrier); where the kernel has none, each section pays for its own. */
    if (UNLIKELY(thread_needs_fence)) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } else {
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
}

static inline void thread_section_end(void)
{
    if (thread_section.depth == 0 || --thread_section.depth > 0) {
        return;
    }
    if (LIKELY(thread_section.kind == SECTION_IN_OWN_SLOT)) {
        __atomic_store_n(&thread_reader_slots[meter_thread_shard].epoch, 0, __ATOMIC_RELEASE);
        thread_section.kind = SECTION_OUTSIDE;
    } else {
        thread_section_end_slowly();
    }
}

/* The stamp of what is unlinked now; it may be freed once it is below thread_oldest_section(). */
uint64_t thread_epoch_advance(void);

/* The epoch at which the thread longest inside a section went in, UINT64_MAX when none is inside, 0
 * when it cannot be known. Costs a system call. */
uint64_t thread_oldest_section(void);

/* In the child of a fork: only the calling thread is left. Does nothing the second time. */
void thread_forget_others(void);

/*
 * Grace periods: one thread replaces something that others look at without a lock, and wants to
 * know when nobody looks at the old one any more.
 *
 * A reader says that it looks, looks, says that it is done; without atomic read-modify-write
 * instructions. The writer makes its change, has every processor pass a memory barrier
 * (membarrier(2)), then waits for each reader that is seen looking to finish that look: either the
 * reader sees the change or the writer sees the reader. This is "urcu-memb" of Desnoyers, McKenney,
 * Stern, Dagenais and Walpole, "User-Level Implementations of Read-Copy Update" (IEEE TPDS 23:2,
 * 2012). Where the kernel refuses membarrier, readers pass a barrier of their own instead.
 */
#pragma once

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What readers and writers share. */
struct grace {
    _Atomic bool fences; /* readers must pass a barrier themselves */
};

/* A reader's own; one thread writes it. All zero is a reader that does not look. */
struct grace_reader {
    _Atomic uint32_t turns; /* how often it began and ended: odd while it looks */
};

/* Asks the kernel for barriers. Before threads that read are started. */
void grace_init(struct grace *grace);

/* What is looked at must be loaded behind this, with an order of at least acquire. */
static inline void grace_enter(const struct grace *grace, struct grace_reader *reader)
{
    uint32_t turns = atomic_load_explicit(&reader->turns, memory_order_relaxed);
    if (UNLIKELY(atomic_load_explicit(&grace->fences, memory_order_relaxed))) {
        atomic_store_explicit(&reader->turns, turns + 1, memory_order_seq_cst);
        atomic_thread_fence(memory_order_seq_cst);
    } else {
        atomic_store_explicit(&reader->turns, turns + 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst); /* the writer's membarrier does the rest */
    }
}

static inline void grace_leave(struct grace_reader *reader)
{
    uint32_t turns = atomic_load_explicit(&reader->turns, memory_order_relaxed);
    atomic_store_explicit(&reader->turns, turns + 1, memory_order_release);
}

/*
 * Behind the writer's change: on return every reader has seen it, or is seen looking. One writer at
 * a time.
 */
void grace_pass_barriers(struct grace *grace);

/* Then, for each reader: waits until it has finished its look. It must not be the caller's own. */
void grace_wait(const struct grace_reader *reader);

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

/* The stamp of what is unlinked now; it may be freed once it is below thread_oldest_section(). */
uint64_t thread_epoch_advance(void);

/* The epoch at which the thread longest inside a section went in, UINT64_MAX when none is inside, 0
 * when it cannot be known. Costs a system call. */
uint64_t thread_oldest_section(void);

/* In the child of a fork: only the calling thread is left. */
void thread_forget_others(void);

/*
 * Deadlines of individual requests, in a 4-ary min-heap: four children share a cache line, so a
 * sift touches half the lines a binary heap would. Each key (a connection's index) has at most one
 * deadline and can be taken out from the middle. One thread at a time.
 *
 * Source: D. B. Johnson, "Priority queues with update and finding minimum spanning trees", 1975
 * (d-ary heaps).
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct timer_entry {
    int64_t deadline_ns; /* monotonic */
    uint32_t key;
    uint32_t reserved;
};

struct timer_heap {
    struct timer_entry *entries; /* owned; entries[0] is the earliest, entries[1] starts a line */
    uint32_t *positions;         /* owned; by key: position in entries plus one, 0 for none */
    uint32_t count;
    uint32_t capacity;
};

/* Keys are 0 .. capacity - 1. Returns 0 or -ENOMEM. */
WARN_UNUSED int timer_heap_init(struct timer_heap *heap, uint32_t capacity);

void timer_heap_destroy(struct timer_heap *heap);

/* `key` must have no deadline yet. */
void timer_heap_insert(struct timer_heap *heap, uint32_t key, int64_t deadline_ns);

/* Takes the key's deadline out, if it has one. */
void timer_heap_remove(struct timer_heap *heap, uint32_t key);

/* The earliest deadline, INT64_MAX when there is none. */
static inline int64_t timer_heap_earliest_ns(const struct timer_heap *heap)
{
    return heap->count == 0 ? INT64_MAX : heap->entries[0].deadline_ns;
}

/* Takes the earliest deadline out if it is not after `now_ns`; tells whose it was. */
bool timer_heap_pop_due(struct timer_heap *heap, int64_t now_ns, uint32_t *ret_key);

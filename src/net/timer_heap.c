#include "net/timer_heap.h"

#include "base/assert.h"
#include "base/reserve.h"

#include <errno.h>

#define ARITY 4

/* Unused entries in front of the root: they put the first child, and with it each group of four
 * siblings, at the start of a cache line. */
#define ENTRIES_BEFORE_ROOT 3

_Static_assert(ARITY * sizeof(struct timer_entry) == CACHE_LINE_BYTES, "siblings fill a line");

static size_t entries_bytes(const struct timer_heap *heap)
{
    return ((size_t)heap->capacity + ENTRIES_BEFORE_ROOT) * sizeof *heap->entries;
}

int timer_heap_init(struct timer_heap *heap, uint32_t capacity)
{
    ASSERT(capacity > 0);
    *heap = (struct timer_heap){.capacity = capacity};
    struct timer_entry *memory = reserve_memory(entries_bytes(heap));
    if (memory == NULL) {
        return -ENOMEM;
    }
    heap->entries = memory + ENTRIES_BEFORE_ROOT;
    heap->positions = reserve_memory(capacity * sizeof *heap->positions);
    if (heap->positions == NULL) {
        timer_heap_destroy(heap);
        return -ENOMEM;
    }
    return 0;
}

void timer_heap_destroy(struct timer_heap *heap)
{
    if (heap->entries != NULL) {
        reserve_free(heap->entries - ENTRIES_BEFORE_ROOT, entries_bytes(heap));
    }
    reserve_free(heap->positions, heap->capacity * sizeof *heap->positions);
    *heap = (struct timer_heap){0};
}

static void place(struct timer_heap *heap, uint32_t position, struct timer_entry entry)
{
    heap->entries[position] = entry;
    heap->positions[entry.key] = position + 1;
}

static void sift_up(struct timer_heap *heap, uint32_t position, struct timer_entry entry)
{
    while (position > 0) {
        uint32_t parent = (position - 1) / ARITY;
        if (heap->entries[parent].deadline_ns <= entry.deadline_ns) {
            break;
        }
        place(heap, position, heap->entries[parent]);
        position = parent;
    }
    place(heap, position, entry);
}

static void sift_down(struct timer_heap *heap, uint32_t position, struct timer_entry entry)
{
    for (;;) {
        uint64_t first = (uint64_t)position * ARITY + 1;
        if (first >= heap->count) {
            break;
        }
        uint32_t least = (uint32_t)first;
        uint32_t end = first + ARITY < heap->count ? (uint32_t)first + ARITY : heap->count;
        for (uint32_t child = (uint32_t)first + 1; child < end; child++) {
            if (heap->entries[child].deadline_ns < heap->entries[least].deadline_ns) {
                least = child;
            }
        }
        if (heap->entries[least].deadline_ns >= entry.deadline_ns) {
            break;
        }
        place(heap, position, heap->entries[least]);
        position = least;
    }
    place(heap, position, entry);
}

void timer_heap_insert(struct timer_heap *heap, uint32_t key, int64_t deadline_ns)
{
    ASSERT(key < heap->capacity && heap->positions[key] == 0);
    sift_up(heap, heap->count++, (struct timer_entry){.deadline_ns = deadline_ns, .key = key});
}

static void remove_at(struct timer_heap *heap, uint32_t position)
{
    heap->positions[heap->entries[position].key] = 0;
    struct timer_entry last = heap->entries[--heap->count];
    if (position == heap->count) {
        return;
    }
    if (position > 0 && heap->entries[(position - 1) / ARITY].deadline_ns > last.deadline_ns) {
        sift_up(heap, position, last);
    } else {
        sift_down(heap, position, last);
    }
}

void timer_heap_remove(struct timer_heap *heap, uint32_t key)
{
    ASSERT(key < heap->capacity);
    if (heap->positions[key] != 0) {
        remove_at(heap, heap->positions[key] - 1);
    }
}

bool timer_heap_pop_due(struct timer_heap *heap, int64_t now_ns, uint32_t *ret_key)
{
    if (heap->count == 0 || heap->entries[0].deadline_ns > now_ns) {
        return false;
    }
    *ret_key = heap->entries[0].key;
    remove_at(heap, 0);
    return true;
}

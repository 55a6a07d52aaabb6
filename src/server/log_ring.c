#include "server/log_ring.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A record in the ring: its size in a word of its own, the struct, the method, the target, rounded
 * up to 8. Records never wrap around: where one does not fit before the end of the memory, a size
 * of 0 sends the reader to the beginning. Positions count bytes for ever; 64 bits do not overflow.
 */
#define SIZE_WORD_BYTES sizeof(uint64_t)
#define SKIP_TO_BEGINNING UINT64_C(0)

_Static_assert(SIZE_WORD_BYTES + sizeof(struct access_record) + ACCESS_METHOD_MAX_BYTES +
                       ACCESS_TARGET_MAX_BYTES <=
                   LOG_RING_MIN_BYTES / 2,
               "the longest record fits into the smallest ring wherever the ring's end is");

int log_ring_initialise(struct log_ring *ring, size_t capacity_bytes)
{
    if (capacity_bytes < LOG_RING_MIN_BYTES || (capacity_bytes & (capacity_bytes - 1)) != 0) {
        return -EINVAL;
    }
    memset(ring, 0, sizeof *ring);
    ring->memory = aligned_alloc(CACHE_LINE_BYTES, capacity_bytes);
    if (ring->memory == NULL) {
        return -ENOMEM;
    }
    ring->capacity = capacity_bytes;
    return 0;
}

void log_ring_release(struct log_ring *ring)
{
    free(ring->memory);
    ring->memory = NULL;
}

static void wake(struct log_signal *signal)
{
    const uint64_t one = 1;
    ssize_t written = write(signal->event_fd, &one, sizeof one);
    (void)written; /* EAGAIN: the counter is at its maximum, so the thread is told already */
}

/* Tells the log thread that the ring is more than half full, once each time. */
static void tell_pressure(struct log_ring *ring, uint64_t head)
{
    ring->known_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head - ring->known_tail <= ring->capacity / 2) {
        ring->pressure_told = false;
    } else if (!ring->pressure_told && ring->signal != NULL) {
        ring->pressure_told = true;
        wake(ring->signal);
    }
}

bool log_ring_push(struct log_ring *ring, const struct access_record *record, const char *method,
                   const char *target)
{
    ASSERT(record->method_length <= ACCESS_METHOD_MAX_BYTES &&
           record->target_length <= ACCESS_TARGET_MAX_BYTES);
    uint64_t bytes =
        SIZE_WORD_BYTES + sizeof *record + record->method_length + record->target_length;
    bytes = (bytes + 7) & ~UINT64_C(7);
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint64_t offset = head & (ring->capacity - 1);
    uint64_t before_end = ring->capacity - offset;
    uint64_t skipped = before_end < bytes ? before_end : 0;
    if (head + skipped + bytes - ring->known_tail > ring->capacity) {
        ring->known_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head + skipped + bytes - ring->known_tail > ring->capacity) {
            uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
            atomic_store_explicit(&ring->dropped, dropped + 1, memory_order_relaxed);
            return false;
        }
    }
    if (skipped > 0) {
        const uint64_t skip = SKIP_TO_BEGINNING;
        memcpy(ring->memory + offset, &skip, sizeof skip);
        offset = 0;
    }
    char *at = ring->memory + offset;
    memcpy(at, &bytes, sizeof bytes);
    at += SIZE_WORD_BYTES;
    memcpy(at, record, sizeof *record);
    at += sizeof *record;
    if (record->method_length > 0) { /* without one, `method` may be NULL, as with 408 */
        memcpy(at, method, record->method_length);
    }
    if (record->target_length > 0) {
        memcpy(at + record->method_length, target, record->target_length);
    }
    head += skipped + bytes;
    atomic_store_explicit(&ring->head, head, memory_order_release);
    if (UNLIKELY(head - ring->known_tail > ring->capacity / 2)) {
        tell_pressure(ring, head);
    }
    /*
     * No fence between publishing the record and this look, which would cost as much as the rest:
     * should the thread fall asleep just now and miss both, it wakes up by itself soon after.
     */
    if (ring->signal != NULL &&
        UNLIKELY(atomic_load_explicit(&ring->signal->asleep, memory_order_relaxed))) {
        atomic_store_explicit(&ring->signal->asleep, false, memory_order_relaxed);
        wake(ring->signal);
    }
    return true;
}

bool log_ring_peek(struct log_ring *ring, struct log_entry *ret_entry)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&ring->head, memory_order_acquire)) {
        return false;
    }
    uint64_t offset = tail & (ring->capacity - 1);
    uint64_t bytes;
    memcpy(&bytes, ring->memory + offset, sizeof bytes);
    if (bytes == SKIP_TO_BEGINNING) {
        /* The record that did not fit is behind it: both were published at once. */
        tail += ring->capacity - offset;
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
        offset = 0;
    }
    const char *at = ring->memory + offset + SIZE_WORD_BYTES;
    const struct access_record *record = (const struct access_record *)(const void *)at;
    at += sizeof *record;
    *ret_entry = (struct log_entry){
        .record = record,
        .method = span_of(at, record->method_length),
        .target = span_of(at + record->method_length, record->target_length),
    };
    return true;
}

void log_ring_pop(struct log_ring *ring, const struct log_entry *entry)
{
    uint64_t bytes;
    memcpy(&bytes, (const char *)entry->record - SIZE_WORD_BYTES, sizeof bytes);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + bytes, memory_order_release);
}

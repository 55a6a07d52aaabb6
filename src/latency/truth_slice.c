/* Slices: what was recorded in ten seconds, packed, for as long as windows reach back. */
#include "latency/truth_state.h"

#include <stdlib.h>

void truth_slice_release_locked(struct truth_slice *slice)
{
    if (--slice->references == 0) {
        free(slice);
    }
}

static void drop_oldest(struct truth *truth, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        truth->slice_bytes -= truth->slices[i]->bytes;
        truth_slice_release_locked(truth->slices[i]);
    }
    truth->slice_count -= count;
    for (unsigned i = 0; i < truth->slice_count; i++) {
        truth->slices[i] = truth->slices[count + i];
    }
}

static bool is_used(const struct truth *truth, unsigned slot)
{
    return truth->open.slots[slot].figures[TRUTH_SERVED].count > 0;
}

static unsigned used_slots(const struct truth *truth)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < truth->slot_count; slot++) {
        count += is_used(truth, slot);
    }
    return count;
}

static size_t packed_bytes(const struct truth *truth)
{
    size_t bytes = 0;
    for (unsigned slot = 0; slot < truth->slot_count; slot++) {
        for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
            bytes +=
                sketch_packed_bytes(truth->open.bins[slot][figure],
                                    truth_sums_range(&truth->open.slots[slot].figures[figure]));
        }
    }
    return bytes;
}

/* Packs what is open and empties it. */
static struct truth_slice *pack_open(struct truth *truth, struct truth_time now)
{
    size_t head_bytes =
        sizeof(struct truth_slice) + used_slots(truth) * sizeof(struct truth_slice_slot);
    size_t bytes = head_bytes + packed_bytes(truth);
    struct truth_slice *slice = malloc(bytes);
    if (slice == NULL) {
        return NULL;
    }
    struct buffer packed = buffer_over((char *)slice + head_bytes, bytes - head_bytes);
    *slice = (struct truth_slice){.references = 1,
                                  .bytes = bytes,
                                  .from = truth->open_from,
                                  .to = now,
                                  .packed = packed.data};
    for (unsigned i = 0; i < truth->slot_count; i++) {
        if (!is_used(truth, i)) {
            continue;
        }
        struct truth_slice_slot *slot = &slice->slots[slice->slot_count++];
        *slot = (struct truth_slice_slot){
            .slot = i, .series = truth->series[i], .sums = truth->open.slots[i]};
        for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
            slot->packed_offset[figure] = (uint32_t)packed.length;
            sketch_pack(truth->open.bins[i][figure], truth_sums_range(&slot->sums.figures[figure]),
                        &packed);
            slot->packed_bytes[figure] = (uint32_t)packed.length - slot->packed_offset[figure];
        }
    }
    ASSERT(!packed.overflowed && packed.length == packed.capacity);
    return slice;
}

static void clear_open(struct truth *truth)
{
    for (unsigned slot = 0; slot < truth->slot_count; slot++) {
        for (unsigned figure = 0; figure < TRUTH_FIGURES; figure++) {
            struct sketch_range range = truth_sums_range(&truth->open.slots[slot].figures[figure]);
            for (uint32_t bin = range.first; bin <= range.last; bin++) {
                truth->open.bins[slot][figure][bin] = 0;
            }
        }
        truth->open.slots[slot] = (struct truth_slot_sums){0};
    }
}

void truth_end_slice_locked(struct truth *truth, struct truth_time now)
{
    struct truth_slice *slice = pack_open(truth, now);
    clear_open(truth);
    truth->open_from = now;
    if (slice == NULL) {
        /* Without it the older ones make no window that reaches up to now. */
        drop_oldest(truth, truth->slice_count);
        return;
    }
    drop_oldest(truth, truth->slice_count == TRUTH_SLICES ? 1 : 0);
    truth->slices[truth->slice_count++] = slice;
    truth->slice_bytes += slice->bytes;
    while (truth->slice_bytes > TRUTH_MAX_SLICE_BYTES && truth->slice_count > 1) {
        drop_oldest(truth, 1);
    }
}

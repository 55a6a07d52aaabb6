#include "latency/sketch.h"

#include "base/assert.h"

#define BINS_OF_OCTAVE (1U << SKETCH_BITS)

int64_t sketch_middle_ns(uint32_t bin)
{
    ASSERT(bin < SKETCH_BINS);
    if (bin < 2 * BINS_OF_OCTAVE) {
        return bin;
    }
    unsigned shift = (bin >> SKETCH_BITS) - 1;
    int64_t lowest = (int64_t)(BINS_OF_OCTAVE + (bin & (BINS_OF_OCTAVE - 1))) << shift;
    return lowest + ((INT64_C(1) << shift) - 1) / 2;
}

uint64_t sketch_rank(struct decimal quantile, uint64_t count)
{
    unsigned __int128 one = 1;
    for (unsigned i = 0; i < quantile.scale; i++) {
        one *= 10;
    }
    ASSERT(count > 0 && quantile.digits <= one);
    unsigned __int128 rank = ((unsigned __int128)quantile.digits * count + one - 1) / one;
    return rank == 0 ? 1 : (uint64_t)rank;
}

void sketch_at_ranks(const uint64_t *bins, struct sketch_range range, const uint64_t *ranks,
                     unsigned rank_count, int64_t *ret_ns)
{
    uint64_t seen = 0; /* in the bins before `bin` */
    uint32_t bin = range.first;
    for (unsigned i = 0; i < rank_count; i++) {
        if (ranks[i] <= seen) {
            seen = 0;
            bin = range.first;
        }
        while (seen + bins[bin] < ranks[i]) {
            seen += bins[bin++];
            ASSERT(bin <= range.last);
        }
        ret_ns[i] = sketch_middle_ns(bin);
    }
}

static unsigned varint_bytes(uint64_t value)
{
    return (unsigned)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

static void append_varint(struct buffer *buffer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        buffer_append_byte(buffer, (char)(value | 0x80));
    }
    buffer_append_byte(buffer, (char)value);
}

static uint64_t take_varint(struct span *packed)
{
    uint64_t value = 0;
    for (unsigned shift = 0; packed->length > 0; shift += 7) {
        uint8_t byte = (uint8_t)packed->data[0];
        *packed = span_after(*packed, 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    ASSERT_UNREACHABLE("what sketch_pack() wrote ends with a whole number");
}

void sketch_pack(const uint64_t *bins, struct sketch_range range, struct buffer *packed)
{
    if (sketch_packed_bytes(bins, range) > buffer_room(packed)) {
        packed->overflowed = true;
        return;
    }
    uint32_t next = 0;
    for (uint32_t bin = range.first; bin <= range.last; bin++) {
        if (bins[bin] > 0) {
            append_varint(packed, bin - next);
            append_varint(packed, bins[bin]);
            next = bin + 1;
        }
    }
}

size_t sketch_packed_bytes(const uint64_t *bins, struct sketch_range range)
{
    size_t bytes = 0;
    uint32_t next = 0;
    for (uint32_t bin = range.first; bin <= range.last; bin++) {
        if (bins[bin] > 0) {
            bytes += varint_bytes(bin - next) + varint_bytes(bins[bin]);
            next = bin + 1;
        }
    }
    return bytes;
}

void sketch_add_packed(struct span packed, uint64_t *bins, struct sketch_range *range)
{
    uint64_t bin = 0;
    while (packed.length > 0) {
        bin += take_varint(&packed);
        ASSERT(bin < SKETCH_BINS);
        bins[bin] += take_varint(&packed);
        range->first = bin < range->first ? (uint32_t)bin : range->first;
        range->last = bin > range->last ? (uint32_t)bin : range->last;
        bin++;
    }
}

void sketch_remove_packed(struct span packed, uint64_t *bins)
{
    uint64_t bin = 0;
    while (packed.length > 0) {
        bin += take_varint(&packed);
        ASSERT(bin < SKETCH_BINS);
        uint64_t count = take_varint(&packed);
        ASSERT(bins[bin] >= count);
        bins[bin] -= count;
        bin++;
    }
}

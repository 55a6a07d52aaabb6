#include "meter/bucket.h"

#include <stdlib.h>

#define FRACTION_BITS 52
#define MAX_ENTRIES 2048

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t key_of(double value, int shift)
{
    return bits_of(value) >> shift;
}

/* Whether no two bounds share a key, and the table is small enough. */
static bool is_fine(const double *bounds, uint32_t count, int shift)
{
    for (uint32_t i = 1; i < count; i++) {
        if (key_of(bounds[i], shift) == key_of(bounds[i - 1], shift)) {
            return false;
        }
    }
    return key_of(bounds[count - 1], shift) - key_of(bounds[0], shift) < MAX_ENTRIES - 2;
}

/* The coarsest key that tells all bounds apart, or -1. */
static int choose_shift(const double *bounds, uint32_t count)
{
    if (count == 0 || !(bounds[0] > 0)) {
        return -1;
    }
    for (int shift = FRACTION_BITS; shift > FRACTION_BITS - 12; shift--) {
        if (is_fine(bounds, count, shift)) {
            return shift;
        }
    }
    return -1;
}

void bucket_index_init(struct bucket_index *index, const double *bounds, uint32_t count)
{
    *index = (struct bucket_index){.bounds = bounds, .count = count};
    int shift = choose_shift(bounds, count);
    if (shift < 0) {
        return;
    }
    uint64_t low_key = key_of(bounds[0], shift), high_key = key_of(bounds[count - 1], shift) + 1;
    index->shift = (uint32_t)shift;
    index->low_bits = low_key << shift;
    index->low = double_of(index->low_bits);
    index->high = double_of(high_key << shift); /* at most infinity */
    size_t keys = (size_t)(high_key - low_key) + 1;
    index->entries = malloc(keys * sizeof index->entries[0]);
    if (index->entries == NULL) {
        return;
    }
    /* Where the smallest value of each key belongs. */
    uint32_t bucket = 0;
    for (size_t i = 0; i < keys; i++) {
        double smallest = double_of(index->low_bits + (i << shift));
        while (bucket < count && smallest > bounds[bucket]) {
            bucket++;
        }
        index->entries[i] = (struct bucket_entry){bits_of(bounds[bucket]), bucket};
    }
}

void bucket_index_free(struct bucket_index *index)
{
    free(index->entries);
    index->entries = NULL;
}

uint32_t bucket_search(const struct bucket_index *index, double value)
{
    if (value != value) {
        return index->count;
    }
    uint32_t low = 0, high = index->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (value > index->bounds[middle]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

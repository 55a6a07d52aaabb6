/*
 * A slab: up to `capacity` objects of one size, addressed by index, in one reservation. Taking and
 * giving back is a few instructions; the last object given back is the next taken, so the
 * memory in use stays small and warm. One thread at a time.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct slab {
    char *memory;        /* owned */
    size_t object_bytes; /* a multiple of 8 */
    uint32_t capacity;   /* objects */
    uint32_t touched;    /* objects ever taken: those behind have no memory yet */
    uint32_t in_use;     /* objects */
    uint32_t first_free; /* index, or SLAB_NONE */
};

#define SLAB_NONE UINT32_MAX

/*
 * The first four bytes of an object are the slab's while the object is free; the others keep what
 * the last owner left in them (all zero before the first). Returns 0 or -ENOMEM.
 */
WARN_UNUSED int slab_init(struct slab *slab, size_t object_bytes, uint32_t capacity);

void slab_destroy(struct slab *slab);

/* Returns the index of an object that is now the caller's, or SLAB_NONE when all are taken. */
WARN_UNUSED uint32_t slab_take(struct slab *slab);

/* Gives back an object that slab_take returned. */
void slab_give(struct slab *slab, uint32_t index);

/* `index` must be below `touched`. */
static inline void *slab_at(const struct slab *slab, uint32_t index)
{
    return slab->memory + (size_t)index * slab->object_bytes;
}

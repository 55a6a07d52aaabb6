#include "base/slab.h"

#include "base/assert.h"
#include "base/reserve.h"

#include <errno.h>
#include <string.h>

int slab_init(struct slab *slab, size_t object_bytes, uint32_t capacity)
{
    ASSERT(object_bytes > 0 && object_bytes % 8 == 0);
    ASSERT(capacity > 0 && capacity < SLAB_NONE);
    char *memory = reserve_memory(object_bytes * capacity);
    if (memory == NULL) {
        return -ENOMEM;
    }
    *slab = (struct slab){
        .memory = memory,
        .object_bytes = object_bytes,
        .capacity = capacity,
        .first_free = SLAB_NONE,
    };
    return 0;
}

void slab_destroy(struct slab *slab)
{
    reserve_free(slab->memory, slab->object_bytes * slab->capacity);
    *slab = (struct slab){.first_free = SLAB_NONE};
}

uint32_t slab_take(struct slab *slab)
{
    uint32_t index = slab->first_free;
    if (index != SLAB_NONE) {
        memcpy(&slab->first_free, slab_at(slab, index), sizeof slab->first_free);
    } else if (slab->touched < slab->capacity) {
        index = slab->touched++;
    } else {
        return SLAB_NONE;
    }
    slab->in_use++;
    return index;
}

void slab_give(struct slab *slab, uint32_t index)
{
    ASSERT(index < slab->touched && slab->in_use > 0);
    memcpy(slab_at(slab, index), &slab->first_free, sizeof slab->first_free);
    slab->first_free = index;
    slab->in_use--;
}

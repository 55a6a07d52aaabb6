/*
 * Content that is made in parts while it is sent: each part is made whole, however long it is, and
 * handed over as there is room. One thread at a time.
 */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <sys/types.h>

struct staging {
    struct buffer part; /* made and not yet handed over; its memory is whoever's made this */
    size_t taken;       /* bytes of it that were */
};

/* Appends the next part, for which there must be room in `part`; false when there is none. */
typedef bool staging_next(void *context, struct buffer *part);

static inline struct staging staging_over(char *memory, size_t capacity)
{
    return (struct staging){.part = buffer_over(memory, capacity)};
}

/* Fills `memory` as far as there is content; as the `pull` of a struct content_source. */
ssize_t staging_pull(struct staging *staging, staging_next *next, void *context, char *memory,
                     size_t capacity);

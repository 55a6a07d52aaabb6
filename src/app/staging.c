#include "app/staging.h"

#include "base/assert.h"

ssize_t staging_pull(struct staging *staging, staging_next *next, void *context, char *memory,
                     size_t capacity)
{
    struct buffer out = buffer_over(memory, capacity);
    while (buffer_room(&out) > 0) {
        if (staging->taken == staging->part.length) {
            staging->part.length = 0;
            staging->taken = 0;
            if (!next(context, &staging->part)) {
                break;
            }
            ASSERT(!staging->part.overflowed);
        }
        struct span left = span_after(buffer_span(&staging->part), staging->taken);
        size_t bytes = left.length < buffer_room(&out) ? left.length : buffer_room(&out);
        buffer_append(&out, left.data, bytes);
        staging->taken += bytes;
    }
    return (ssize_t)out.length;
}

#include "meter/scrape.h"

#include "base/assert.h"
#include "meter/protobuf.h"
#include "meter/registry.h"
#include "meter/text.h"
#include "meter/watch.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_STAGED_BYTES 4096

struct meter_scrape *meter_scrape_begin(struct meter *meter, enum meter_format format)
{
    if (meter == NULL || (unsigned)format > METER_PROTOBUF) {
        errno = EINVAL;
        return NULL;
    }
    struct meter_scrape *scrape = calloc(1, sizeof *scrape);
    if (scrape == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    (void)meter_expire(meter);
    scrape->meter = meter;
    scrape->format = format;
    scrape->family = meter_first_family(meter);
    return scrape;
}

static void leave_family(struct meter_scrape *scrape)
{
    if (scrape->standing != NULL) {
        series_release(scrape->standing);
        scrape->standing = NULL;
    }
    scrape->inside = false;
    scrape->header_done = false;
}

void meter_scrape_end(struct meter_scrape *scrape)
{
    if (scrape == NULL) {
        return;
    }
    leave_family(scrape);
    snapshot_free(&scrape->snapshot);
    free(scrape->staged.data);
    free(scrape->watches);
    free(scrape);
}

int scrape_stage_reserve(struct meter_scrape *scrape, size_t capacity)
{
    if (capacity <= scrape->staged.capacity) {
        return 0;
    }
    size_t larger = scrape->staged.capacity == 0 ? FIRST_STAGED_BYTES : scrape->staged.capacity;
    while (larger < capacity) {
        larger *= 2;
    }
    char *data = realloc(scrape->staged.data, larger);
    if (data == NULL) {
        return -ENOMEM;
    }
    scrape->staged.data = data;
    scrape->staged.capacity = larger;
    return 0;
}

bool scrape_next_series_locked(struct meter_scrape *scrape, size_t *index)
{
    struct meter_family *family = scrape->family;
    if (*index == SIZE_MAX) {
        *index = scrape->standing == NULL ? 0 : series_after_locked(family, scrape->standing);
    } else {
        (*index)++;
    }
    if (*index >= family->count) {
        return false;
    }
    snapshot_take_locked(&scrape->snapshot, family->ordered[*index]);
    return true;
}

void scrape_stand_locked(struct meter_scrape *scrape, struct series *series)
{
    if (scrape->standing == series) {
        return;
    }
    series_hold_locked(series);
    if (scrape->standing != NULL) {
        series_release_locked(scrape->family, scrape->standing);
    }
    scrape->standing = series;
}

/* Appends one unit, or nothing and sets out->overflowed. */
static bool put_header(struct meter_scrape *scrape, struct buffer *out)
{
    size_t mark = out->length;
    text_header(out, scrape->family, scrape->format == METER_OPENMETRICS);
    if (out->overflowed) {
        out->length = mark;
        return false;
    }
    scrape->header_done = true;
    return true;
}

static bool put_line(struct meter_scrape *scrape, struct buffer *out)
{
    size_t mark = out->length;
    text_line(out, &scrape->snapshot, scrape->line, scrape->format == METER_OPENMETRICS);
    if (out->overflowed) {
        out->length = mark;
        return false;
    }
    scrape->line++;
    return true;
}

bool scrape_text_locked(struct meter_scrape *scrape, struct buffer *out, bool one)
{
    struct series *current = scrape->standing;
    size_t index = SIZE_MAX;
    bool more = true;
    if (!scrape->header_done) {
        if (scrape->family->count == 0) {
            return false;
        }
        if (!put_header(scrape, out) || one) {
            return true;
        }
    }
    for (bool go = true; go;) {
        if (!scrape->inside) {
            more = scrape_next_series_locked(scrape, &index);
            if (!more) {
                break;
            }
            current = scrape->snapshot.series;
            scrape->inside = true;
            scrape->line = 0;
            watch_tell(scrape);
        }
        unsigned lines = text_line_count(&scrape->snapshot, scrape->format == METER_OPENMETRICS);
        do {
            go = put_line(scrape, out) && !one;
        } while (go && scrape->line < lines);
        scrape->inside = scrape->line < lines;
    }
    if (current != NULL) {
        scrape_stand_locked(scrape, current);
    }
    return more;
}

/* A line that does not fit the caller's memory is staged whole and handed over in parts. */
static int stage_line_locked(struct meter_scrape *scrape)
{
    int result = scrape_stage_reserve(scrape, FIRST_STAGED_BYTES);
    while (result == 0) {
        scrape->staged.overflowed = false;
        (void)scrape_text_locked(scrape, &scrape->staged, true);
        if (!scrape->staged.overflowed) {
            return 0;
        }
        result = scrape_stage_reserve(scrape, scrape->staged.capacity + 1);
    }
    return result;
}

/* One piece of the family: into `out`, or staged when that is full. Returns false at its end. */
static bool step_family(struct meter_scrape *scrape, struct buffer *out, int *ret_error)
{
    struct meter_family *family = scrape->family;
    bool more;
    pthread_mutex_lock(&family->lock);
    series_sort_locked(family);
    if (scrape->format == METER_PROTOBUF) {
        more = scrape_protobuf_locked(scrape, ret_error);
    } else {
        more = scrape_text_locked(scrape, out, false);
        if (out->overflowed) {
            *ret_error = stage_line_locked(scrape);
        }
    }
    pthread_mutex_unlock(&family->lock);
    return more;
}

/* The page's last line; protobuf and text have none. */
static int end_page(struct meter_scrape *scrape)
{
    scrape->ended = true;
    if (scrape->format != METER_OPENMETRICS) {
        return 0;
    }
    int result = scrape_stage_reserve(scrape, FIRST_STAGED_BYTES);
    if (result == 0) {
        text_end(&scrape->staged, true);
    }
    return result;
}

static int step(struct meter_scrape *scrape, struct buffer *out)
{
    if (scrape->family == NULL) {
        return end_page(scrape);
    }
    int result = snapshot_reserve(&scrape->snapshot, scrape->family);
    if (result != 0) {
        return result;
    }
    bool more = false;
    if (scrape->family->collect != NULL) {
        result = scrape_collect(scrape);
    } else {
        more = step_family(scrape, out, &result);
    }
    if (!more && result == 0) {
        struct meter_family *family = scrape->family;
        leave_family(scrape);
        scrape->family = meter_next_family(family);
    }
    return result;
}

static void hand_over_staged(struct meter_scrape *scrape, struct buffer *out)
{
    size_t left = scrape->staged.length - scrape->staged_taken;
    size_t room = buffer_room(out);
    size_t bytes = left < room ? left : room;
    buffer_append(out, scrape->staged.data + scrape->staged_taken, bytes);
    scrape->staged_taken += bytes;
    if (scrape->staged_taken == scrape->staged.length) {
        scrape->staged.length = 0;
        scrape->staged_taken = 0;
    }
}

ssize_t meter_scrape_read(struct meter_scrape *scrape, void *buffer, size_t capacity)
{
    if (scrape == NULL || (buffer == NULL && capacity > 0)) {
        return -EINVAL;
    }
    struct buffer out = buffer_over(buffer, capacity);
    while (buffer_room(&out) > 0) {
        if (scrape->staged.length > 0) {
            hand_over_staged(scrape, &out);
            continue;
        }
        if (scrape->ended) {
            break;
        }
        out.overflowed = false;
        int result = step(scrape, &out);
        if (result != 0) {
            return result;
        }
    }
    return (ssize_t)out.length;
}

char *meter_render(struct meter *meter, enum meter_format format, size_t *length)
{
    struct meter_scrape *scrape = meter_scrape_begin(meter, format);
    if (scrape == NULL) {
        return NULL;
    }
    size_t capacity = FIRST_STAGED_BYTES, used = 0;
    char *page = malloc(capacity);
    ssize_t read = page == NULL ? -ENOMEM : 1;
    while (read > 0) {
        read = meter_scrape_read(scrape, page + used, capacity - used - 1);
        used += read > 0 ? (size_t)read : 0;
        if (read > 0 && capacity - used - 1 == 0) {
            char *larger = realloc(page, capacity * 2);
            read = larger == NULL ? -ENOMEM : read;
            page = larger == NULL ? page : larger;
            capacity = larger == NULL ? capacity : capacity * 2;
        }
    }
    meter_scrape_end(scrape);
    if (read < 0) {
        free(page);
        errno = (int)-read;
        return NULL;
    }
    page[used] = '\0';
    if (length != NULL) {
        *length = used;
    }
    return page;
}

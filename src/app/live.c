#include "app/live.h"

#include "app/live_json.h"
#include "base/clock.h"
#include "base/places.h"
#include "base/reserve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ID_MAX_BYTES 64
/* When the feed is being written: what takes that long is a copy of one event. */
#define AGAIN_SOON_NS (NS_PER_MS)
/* Behind the second, so that one look finds the event made. */
#define AGAIN_LATE_NS (20 * NS_PER_MS)

struct live_event {
    uint32_t offset; /* into the history's memory */
    uint32_t bytes;
};

struct live {
    const struct app *app;       /* not owned */
    struct rule_book *rules;     /* the app's */
    struct truth_series *series; /* owned; the main thread's, as the next ones */
    struct rule_views views;
    int64_t next_realtime_ns;
    int64_t last_monotonic_ns;
    uint64_t counted[LIVE_STATUS_COUNT]; /* requests by status, until the last event */
    char text[LIVE_EVENT_MAX_BYTES];     /* the event that is being made */
    _Atomic unsigned viewers;
    _Atomic bool ended;
    pthread_mutex_t lock; /* everything below; held for a copy of one event */
    uint64_t next_event;  /* its number, from 1 */
    int64_t again_ns;     /* when there will be one, in monotonic time */
    uint32_t kept;        /* events */
    char *memory;         /* owned: LIVE_HISTORY_BYTES */
    struct live_event events[LIVE_HISTORY_SECONDS]; /* by number modulo their count */
};

struct live *live_new(struct app *app)
{
    struct live *live = calloc(1, sizeof *live);
    if (live == NULL) {
        return NULL;
    }
    live->app = app;
    live->rules = &app->rules;
    pthread_mutex_init(&live->lock, NULL);
    live->next_event = 1;
    live->last_monotonic_ns = app->truth.started.monotonic_ns;
    live->next_realtime_ns = (app->truth.started.realtime_ns / NS_PER_S + 1) * NS_PER_S;
    live->series = truth_series_new(app->truth.truth, &live_question);
    live->memory = reserve_memory(LIVE_HISTORY_BYTES);
    if (live->series == NULL || live->memory == NULL) {
        live_free(live);
        return NULL;
    }
    return live;
}

void live_free(struct live *live)
{
    if (live == NULL) {
        return;
    }
    truth_series_free(live->series);
    reserve_free(live->memory, LIVE_HISTORY_BYTES);
    pthread_mutex_destroy(&live->lock);
    free(live);
}

static struct live_event *event_at(struct live *live, uint64_t number)
{
    return &live->events[number % LIVE_HISTORY_SECONDS];
}

static uint64_t oldest_event(const struct live *live)
{
    return live->next_event - live->kept;
}

/* Whether any kept event has bytes in [offset, offset + bytes). */
static bool is_taken(struct live *live, size_t offset, size_t bytes)
{
    if (live->kept == 0) {
        return false;
    }
    /* They are written one behind the other, so the oldest is the first that is met. */
    const struct live_event *oldest = event_at(live, oldest_event(live));
    return oldest->offset < offset + bytes && offset < oldest->offset + oldest->bytes;
}

/* Puts the event behind the last one, or at the front, and lets those go that are in its place. */
static void keep_event(struct live *live, struct span text)
{
    pthread_mutex_lock(&live->lock);
    const struct live_event *last = event_at(live, live->next_event - 1);
    size_t offset = live->kept == 0 ? 0 : last->offset + last->bytes;
    bool wraps = offset + text.length > LIVE_HISTORY_BYTES;
    if (wraps) {
        /* What is between here and the end goes first: order is that of the memory. */
        while (live->kept > 0 && event_at(live, oldest_event(live))->offset >= offset) {
            live->kept--;
        }
        offset = 0;
    }
    while (live->kept == LIVE_HISTORY_SECONDS || is_taken(live, offset, text.length)) {
        live->kept--;
    }
    memcpy(live->memory + offset, text.data, text.length);
    *event_at(live, live->next_event) =
        (struct live_event){(uint32_t)offset, (uint32_t)text.length};
    live->next_event++;
    live->kept++;
    pthread_mutex_unlock(&live->lock);
}

/* The admin routes' requests are those of probes, scrapers and viewers: no traffic. */
static void count_request(void *context, enum route route, enum method method, unsigned status,
                          uint64_t count)
{
    uint64_t *codes = context;
    (void)method;
    if (route == ROUTE_OTHER || route_at(route)->surfaces == SURFACE_PUBLIC) {
        codes[status < LIVE_STATUS_COUNT ? status : 0] += count;
    }
}

static void count_codes(struct live *live, struct live_second *second)
{
    app_metrics_visit_workers(&live->app->metrics, count_request, second->codes);
    for (unsigned status = 0; status < LIVE_STATUS_COUNT; status++) {
        uint64_t all = second->codes[status];
        second->codes[status] = all - live->counted[status];
        live->counted[status] = all;
    }
}

static void append_id(const struct live *live, uint64_t number, struct buffer *out)
{
    buffer_append_u64(out, (uint64_t)live->app->truth.started.realtime_ns);
    buffer_append_byte(out, '-');
    buffer_append_u64(out, number);
}

static void make_event(struct live *live, struct live_second *second)
{
    struct buffer out = buffer_over(live->text, sizeof live->text);
    buffer_append_span(&out, SPAN("id: "));
    append_id(live, live->next_event, &out);
    buffer_append_span(&out, SPAN("\ndata: "));
    live_json_second(live->app, second, &out);
    buffer_append_span(&out, SPAN("\n\n"));
    if (!out.overflowed) {
        keep_event(live, buffer_span(&out));
    }
}

int64_t live_tick(struct live *live, struct truth_time now, uint64_t in_flight)
{
    if (now.realtime_ns >= live->next_realtime_ns) {
        struct live_second second = {
            .realtime_ns = now.realtime_ns,
            .covered_ns = now.monotonic_ns - live->last_monotonic_ns,
            .in_flight = in_flight,
            .viewers = live_viewers(live),
            .rules = &live->views,
            .series = live->series,
        };
        rule_book_step(live->rules, live->series, &live->views);
        count_codes(live, &second);
        make_event(live, &second);
        rule_book_release(live->rules, &live->views);
        live->last_monotonic_ns = now.monotonic_ns;
        live->next_realtime_ns = (now.realtime_ns / NS_PER_S + 1) * NS_PER_S;
    } else if (live->next_realtime_ns - now.realtime_ns > NS_PER_S) {
        /* The wall clock was set back. */
        live->next_realtime_ns = (now.realtime_ns / NS_PER_S + 1) * NS_PER_S;
    }
    int64_t again_ns = now.monotonic_ns + live->next_realtime_ns - now.realtime_ns;
    pthread_mutex_lock(&live->lock);
    live->again_ns = again_ns;
    pthread_mutex_unlock(&live->lock);
    return again_ns;
}

void live_end(struct live *live)
{
    atomic_store(&live->ended, true);
}

bool live_add_viewer(struct live *live)
{
    return !atomic_load(&live->ended) && places_take(&live->viewers, LIVE_MAX_VIEWERS);
}

void live_remove_viewer(struct live *live)
{
    places_give(&live->viewers);
}

unsigned live_viewers(const struct live *live)
{
    return atomic_load_explicit(&live->viewers, memory_order_relaxed);
}

struct live_position live_position_behind(const struct live *live, struct span id)
{
    char memory[ID_MAX_BYTES];
    struct buffer ours = buffer_over(memory, sizeof memory);
    append_id(live, 0, &ours);
    ours.length--; /* the number */
    struct live_position position = {0};
    if (!span_starts_with(id, buffer_span(&ours)) || id.length > ours.length + 19) {
        return position;
    }
    struct span digits = span_after(id, ours.length);
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return (struct live_position){0};
        }
        position.event = position.event * 10 + (uint64_t)(digits.data[i] - '0');
    }
    position.event++;
    return position;
}

/* With the lock held. */
static ssize_t read_locked(struct live *live, struct live_position *position, char *memory,
                           size_t capacity)
{
    uint64_t oldest = oldest_event(live);
    if (position->event < oldest || position->event > live->next_event) {
        if (position->taken > 0) {
            return -EPIPE;
        }
        position->event = oldest;
    }
    size_t length = 0;
    while (length < capacity && position->event < live->next_event) {
        const struct live_event *event = event_at(live, position->event);
        size_t left = event->bytes - position->taken;
        size_t bytes = left < capacity - length ? left : capacity - length;
        memcpy(memory + length, live->memory + event->offset + position->taken, bytes);
        length += bytes;
        position->taken += (uint32_t)bytes;
        if (position->taken == event->bytes) {
            *position = (struct live_position){.event = position->event + 1};
        }
    }
    return length > 0 ? (ssize_t)length : -EAGAIN;
}

ssize_t live_read(struct live *live, struct live_position *position, char *memory, size_t capacity,
                  int64_t now_ns, int64_t *ret_again_ns)
{
    if (position->taken == 0 && atomic_load(&live->ended)) {
        return 0;
    }
    /* A worker must not wait for the main thread, which may have lost its processor meanwhile. */
    if (pthread_mutex_trylock(&live->lock) != 0) {
        *ret_again_ns = now_ns + AGAIN_SOON_NS;
        return -EAGAIN;
    }
    ssize_t got = read_locked(live, position, memory, capacity);
    int64_t again_ns = live->again_ns + AGAIN_LATE_NS;
    pthread_mutex_unlock(&live->lock);
    *ret_again_ns = again_ns > now_ns ? again_ns : now_ns + AGAIN_LATE_NS;
    return got;
}

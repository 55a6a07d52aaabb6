#include "app/events_page.h"

#include "base/assert.h"
#include "http/response.h"

#include <errno.h>
#include <stdlib.h>

/* How long a browser waits before it connects again, in ms. */
#define FIRST_TEXT SPAN("retry: 1000\n\n")
/* The last event, when the server is told to end. */
#define LAST_TEXT SPAN("event: draining\ndata: {}\n\n")

struct viewer {
    struct live *live; /* not owned */
    struct live_position position;
    bool greeted;
    bool ended;
};

static ssize_t give(char *memory, size_t capacity, struct span text)
{
    /* Pieces are much longer; where one is not, the text is left out, which harms nobody. */
    if (capacity < text.length) {
        return 0;
    }
    memcpy(memory, text.data, text.length);
    return (ssize_t)text.length;
}

static ssize_t pull_events(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    struct viewer *viewer = context;
    if (viewer->ended) {
        return 0;
    }
    if (!viewer->greeted) {
        viewer->greeted = true;
        ssize_t greeting = give(memory, capacity, FIRST_TEXT);
        if (greeting > 0) {
            return greeting;
        }
    }
    bool whole = viewer->position.taken == 0;
    ssize_t got = 0;
    if (!pace->draining || !whole) {
        got = live_read(viewer->live, &viewer->position, memory, capacity, pace->now_ns,
                        &pace->resume_ns);
    }
    if (got == 0) {
        viewer->ended = true;
        return give(memory, capacity, LAST_TEXT);
    }
    return got;
}

static void close_events(void *context, bool whole)
{
    (void)whole;
    struct viewer *viewer = context;
    live_remove_viewer(viewer->live);
    free(viewer);
}

void events_page_begin(struct app_worker *worker, struct exchange *exchange,
                       const struct request *request, struct buffer *keep)
{
    (void)exchange;
    struct live_position position =
        live_position_behind(worker->app->live, request_find(request, SPAN("last-event-id")));
    buffer_append(keep, &position, sizeof position);
}

static struct viewer *new_viewer(struct live *live)
{
    if (!live_add_viewer(live)) {
        return NULL;
    }
    struct viewer *viewer = calloc(1, sizeof *viewer);
    if (viewer == NULL) {
        live_remove_viewer(live);
        return NULL;
    }
    viewer->live = live;
    return viewer;
}

void events_page_respond(struct app_worker *worker, struct exchange *exchange,
                         struct response *response)
{
    struct viewer *viewer = new_viewer(worker->app->live);
    if (viewer == NULL) {
        exchange->status = 503;
        response_plain_text(response, SPAN("too many viewers, or the server is about to end\n"));
        return;
    }
    ASSERT(exchange->kept.length == sizeof viewer->position);
    memcpy(&viewer->position, exchange->kept.data, sizeof viewer->position);
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("text/event-stream"));
    response_field(response, SPAN("cache-control"), SPAN("no-store"));
    /* A proxy that collects what it passes on would make a live page of it that is not. */
    response_field(response, SPAN("x-accel-buffering"), SPAN("no"));
    response_finish_with_source(
        response,
        (struct content_source){.pull = pull_events, .close = close_events, .context = viewer});
}

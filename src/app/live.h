/*
 * The live feed: once a second what happened in that second, as the text of a server-sent event
 * (docs/live-page.md), made once by the main thread and shared by all viewers. The last five
 * minutes are kept, so that who joins sees them at once.
 *
 * Memory: LIVE_HISTORY_BYTES as address space, backed where it is touched; beyond it the oldest
 * events go early. Workers that read never wait for the main thread: see live_read().
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "latency/truth.h"

#include <sys/types.h>

#define LIVE_HISTORY_SECONDS 300
#define LIVE_HISTORY_BYTES ((size_t)1 << 20)
/* What does not fit into it is left out, and the event says how many rules that is. */
#define LIVE_EVENT_MAX_BYTES ((size_t)65536)
/* Viewers at one time, over all workers; more are answered 503. */
#define LIVE_MAX_VIEWERS 64

/* The quantiles of the lines: 0.5, 0.9, 0.99. */
#define LIVE_QUANTILES 3

struct app;
struct live;

/* Of an application whose truth and rules are made; it must outlive this. NULL without memory. */
WARN_UNUSED struct live *live_new(struct app *app);
void live_free(struct live *live); /* NULL is allowed */

/*
 * Makes the event of the second that ended, when one has: `in_flight` is how many requests are
 * being answered. Returns when to call again, in monotonic time. The main thread.
 */
int64_t live_tick(struct live *live, struct truth_time now, uint64_t in_flight);

/* No more events: every stream ends. Any thread. */
void live_end(struct live *live);

/* Whether there is room for one more viewer, who is counted then. Any thread. */
WARN_UNUSED bool live_add_viewer(struct live *live);
void live_remove_viewer(struct live *live);
unsigned live_viewers(const struct live *live);

/* Where a viewer is in the feed. */
struct live_position {
    uint64_t event; /* the next one, or that which is being read; 0: the oldest there is */
    uint32_t taken; /* bytes of it */
};

/* Behind the event with this id (`LAST-EVENT-ID`), if it is one of this feed's, else at the oldest.
 */
struct live_position live_position_behind(const struct live *live, struct span id);

/*
 * Copies what there is for a viewer. Returns the bytes; -EAGAIN when there is nothing now: again at
 * `*ret_again_ns`, in monotonic time, which is after `now_ns`; 0 when the feed has ended; -EPIPE
 * when the viewer was so slow that the event it was reading is no longer kept. Any thread, none of
 * them waits.
 */
ssize_t live_read(struct live *live, struct live_position *position, char *memory, size_t capacity,
                  int64_t now_ns, int64_t *ret_again_ns);

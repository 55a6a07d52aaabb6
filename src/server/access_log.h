/*
 * The access log: a thread that drains the workers' rings, formats a line for each record and
 * writes the lines out in big batches. It never makes a worker wait. While the output blocks, the
 * rings fill up and records are dropped; while it fails (no reader, disk full), lines are dropped;
 * both are counted, and serving goes on.
 *
 * Lines, text:
 *   2026-11-23T08:00:00.123456Z 192.0.2.7 GET / 200 15 delay=1.234567 total=1.234621
 * time (UTC), client, method, target, status, bytes of content, drawn delay and total time in
 * seconds (`delay=-` where none was drawn). In the method and the target everything but printable
 * ASCII, and space, backslash and the double quote, is written \xHH; a cut target ends in `...`.
 * JSON: one object per line with the same values; bytes outside printable ASCII are \u00HH.
 */
#pragma once

#include "base/compiler.h"
#include "server/log_ring.h"

#include <stddef.h>
#include <stdint.h>

/* In the order of the option's choices. */
enum log_format {
    LOG_TEXT,
    LOG_JSON,
    LOG_OFF,
};

struct access_log;

struct access_log_settings {
    struct log_ring **rings; /* not owned; initialised; must live until the log is released */
    size_t ring_count;
    enum log_format format; /* LOG_TEXT or LOG_JSON */
    int fd;                 /* not owned; its flags are not changed, others may share it */
    /* Names by access_record.route for the JSON member "route"; NULL leaves the member out. */
    const char *const *route_names;
    size_t route_count;
};

/*
 * Starts the thread, with all signals blocked in it. Negative errno when a resource is missing.
 * To be called before the workers push. The caller must have made sure that descriptors 0 to 2 are
 * open, lest `fd` be a socket.
 */
int access_log_start(const struct access_log_settings *settings,
                     struct access_log **ret_log) WARN_UNUSED;

/*
 * Writes what is in the rings and ends the thread; to be called when no worker pushes any more.
 * When the output cannot take them until `deadline_ns` (monotonic clock), the rest is lost. Returns
 * 0 and frees the log; or, a tenth of a second after the deadline, -ETIMEDOUT when the thread hangs
 * in a write(2): then the log and the rings must be left alone, and the process should exit. In
 * both cases *ret_dropped, if not NULL, is the final count of lines lost.
 */
int access_log_stop(struct access_log *log, int64_t deadline_ns, uint64_t *ret_dropped) WARN_UNUSED;

/* Lines lost so far, in rings and in writing. Any thread, while the log is running. */
uint64_t access_log_lines_dropped(const struct access_log *log);

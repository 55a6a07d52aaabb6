#include "server/access_log.h"

#include "base/assert.h"
#include "base/clock.h"
#include "server/access_line.h"
#include "server/log_output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* How the thread waits: it looks at the rings so often while there is traffic, ... */
#define BUSY_PAUSE_MS 20
/* ... after so many looks in vain it asks to be woken, ... */
#define LOOKS_IN_VAIN 5
/* ... and looks again after this at the latest, should the request and a record have crossed. */
#define ASLEEP_PAUSE_MS 1000
/* How much later than the deadline the thread may end, having given up then. */
#define JOIN_GRACE_NS (100 * NS_PER_MS)

struct access_log {
    struct log_signal signal;
    struct access_log_settings settings;
    struct access_line_writer writer;
    struct log_output output;
    pthread_t thread;
    int ended_fd; /* eventfd: the thread is about to end */
    _Atomic bool stopping;
    _Atomic int64_t deadline_ns; /* once stopping */
};

static void tell(int event_fd)
{
    const uint64_t one = 1;
    ssize_t told = write(event_fd, &one, sizeof one);
    (void)told; /* EAGAIN: it is told already */
}

/* Formats what is in the ring; false when the output cannot take more now. */
static bool drain_ring(struct access_log *log, struct log_ring *ring, bool *found)
{
    struct log_entry entry;
    while (log_ring_peek(ring, &entry)) {
        char *line = log_output_reserve(&log->output, ACCESS_LINE_MAX_BYTES);
        if (line == NULL) {
            if (!log_output_flush(&log->output)) {
                return false;
            }
            continue;
        }
        log_output_commit(&log->output, access_line_write(&log->writer, &entry, line));
        log_ring_pop(ring, &entry);
        *found = true;
    }
    return true;
}

/* Formats and writes what there is; false when the output cannot take more now. */
static bool drain(struct access_log *log, bool *found)
{
    for (size_t i = 0; i < log->settings.ring_count; i++) {
        if (!drain_ring(log, log->settings.rings[i], found)) {
            return false;
        }
    }
    return log_output_flush(&log->output);
}

static bool rings_are_empty(struct access_log *log)
{
    struct log_entry entry;
    for (size_t i = 0; i < log->settings.ring_count; i++) {
        if (log_ring_peek(log->settings.rings[i], &entry)) {
            return false;
        }
    }
    return true;
}

static void pause_for(struct access_log *log, int timeout_ms, bool until_writable)
{
    struct pollfd ready[2] = {
        {.fd = log->signal.event_fd, .events = POLLIN},
        {.fd = until_writable ? log->settings.fd : -1, .events = POLLOUT},
    };
    if (poll(ready, 2, timeout_ms) > 0 && (ready[0].revents & POLLIN) != 0) {
        uint64_t count;
        ssize_t got = read(log->signal.event_fd, &count, sizeof count);
        (void)got; /* non-blocking, and only this thread reads it */
    }
}

static void sleep_until_woken(struct access_log *log)
{
    /* An exchange, which on x86-64 also keeps the look below from going ahead of it. */
    (void)atomic_exchange_explicit(&log->signal.asleep, true, memory_order_seq_cst);
    if (rings_are_empty(log) && !atomic_load_explicit(&log->stopping, memory_order_relaxed)) {
        pause_for(log, ASLEEP_PAUSE_MS, false);
    }
    atomic_store_explicit(&log->signal.asleep, false, memory_order_relaxed);
}

/* The rest of the time for stopping, for poll(2), at most `most_ms`. */
static int remaining_ms(struct access_log *log, int most_ms)
{
    int64_t rest_ns =
        atomic_load_explicit(&log->deadline_ns, memory_order_relaxed) - clock_monotonic_ns();
    if (rest_ns <= 0) {
        return 0;
    }
    int64_t rest_ms = rest_ns / NS_PER_MS + 1;
    return rest_ms < most_ms ? (int)rest_ms : most_ms;
}

static void give_up(struct access_log *log)
{
    log_output_discard(&log->output);
    uint64_t lines = 0;
    for (size_t i = 0; i < log->settings.ring_count; i++) {
        struct log_entry entry;
        while (log_ring_peek(log->settings.rings[i], &entry)) {
            log_ring_pop(log->settings.rings[i], &entry);
            lines++;
        }
    }
    log_output_count_lost(&log->output, lines);
}

static void work(struct access_log *log)
{
    unsigned looks_in_vain = 0;
    for (;;) {
        /* Asked for first: what was pushed before the request to stop is then found below. */
        bool stopping = atomic_load_explicit(&log->stopping, memory_order_acquire);
        bool found = false;
        bool writable = drain(log, &found);
        if (stopping) {
            if (writable) {
                return;
            }
            int timeout_ms = remaining_ms(log, BUSY_PAUSE_MS);
            if (timeout_ms == 0) {
                give_up(log);
                return;
            }
            pause_for(log, timeout_ms, true);
            continue;
        }
        looks_in_vain = found || !writable ? 0 : looks_in_vain + 1;
        if (!writable) {
            pause_for(log, ASLEEP_PAUSE_MS, true);
        } else if (looks_in_vain < LOOKS_IN_VAIN) {
            pause_for(log, BUSY_PAUSE_MS, false);
        } else {
            sleep_until_woken(log);
        }
    }
}

static void *run(void *argument)
{
    struct access_log *log = argument;
    work(log);
    tell(log->ended_fd);
    return NULL;
}

static int start_thread(struct access_log *log)
{
    sigset_t all, before;
    sigfillset(&all);
    int problem = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (problem != 0) {
        return -problem;
    }
    problem = pthread_create(&log->thread, NULL, run, log);
    int restored = pthread_sigmask(SIG_SETMASK, &before, NULL);
    ASSERT(restored == 0);
    if (problem == 0) {
        (void)pthread_setname_np(log->thread, "log");
    }
    return -problem;
}

static void release(struct access_log *log)
{
    log_output_release(&log->output);
    if (log->signal.event_fd >= 0) {
        close(log->signal.event_fd);
    }
    if (log->ended_fd >= 0) {
        close(log->ended_fd);
    }
    free(log);
}

int access_log_start(const struct access_log_settings *settings, struct access_log **ret_log)
{
    ASSERT(settings->format != LOG_OFF);
    struct access_log *log = aligned_alloc(CACHE_LINE_BYTES, sizeof *log);
    if (log == NULL) {
        return -ENOMEM;
    }
    *log = (struct access_log){
        .settings = *settings,
        .writer =
            access_line_writer_make(settings->format, settings->route_names, settings->route_count),
        .signal.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
        .ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
    };
    int result = log->signal.event_fd < 0 || log->ended_fd < 0 ? -EMFILE : 0;
    if (result == 0) {
        result = log_output_initialise(&log->output, settings->fd);
    }
    if (result == 0) {
        result = start_thread(log);
    }
    if (result < 0) {
        release(log);
        return result;
    }
    for (size_t i = 0; i < settings->ring_count; i++) {
        settings->rings[i]->signal = &log->signal;
    }
    *ret_log = log;
    return 0;
}

uint64_t access_log_lines_dropped(const struct access_log *log)
{
    uint64_t lines = atomic_load_explicit(&log->output.lines_lost, memory_order_relaxed);
    for (size_t i = 0; i < log->settings.ring_count; i++) {
        lines += log_ring_dropped(log->settings.rings[i]);
    }
    return lines;
}

/* Not with a join that has a time limit: thread sanitizers do not know those. */
static bool wait_for_end(struct access_log *log, int64_t latest_ns)
{
    for (;;) {
        struct pollfd ended = {.fd = log->ended_fd, .events = POLLIN};
        int64_t rest_ns = latest_ns - clock_monotonic_ns();
        if (rest_ns < 0) {
            rest_ns = 0;
        }
        int64_t rest_ms = rest_ns / NS_PER_MS + 1;
        int found = poll(&ended, 1, rest_ms < INT_MAX ? (int)rest_ms : INT_MAX);
        if (found > 0 || rest_ns == 0) {
            return found > 0;
        }
    }
}

int access_log_stop(struct access_log *log, int64_t deadline_ns, uint64_t *ret_dropped)
{
    atomic_store_explicit(&log->deadline_ns, deadline_ns, memory_order_relaxed);
    atomic_store_explicit(&log->stopping, true, memory_order_release);
    tell(log->signal.event_fd);
    bool ended = wait_for_end(log, deadline_ns + JOIN_GRACE_NS);
    if (ret_dropped != NULL) {
        *ret_dropped = access_log_lines_dropped(log);
    }
    if (!ended) {
        return -ETIMEDOUT;
    }
    int problem = pthread_join(log->thread, NULL);
    ASSERT(problem == 0);
    for (size_t i = 0; i < log->settings.ring_count; i++) {
        log->settings.rings[i]->signal = NULL;
    }
    release(log);
    return 0;
}

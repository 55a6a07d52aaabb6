#include "server/drain.h"

#include "base/assert.h"
#include "base/clock.h"
#include "server/service_manager.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What ended a wait. */
enum waited_for { WAITED_SIGNAL, WAITED_WORKERS, WAITED_DEADLINE };

static void awaited_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
}

int drain_open_signals(void)
{
    sigset_t signals;
    awaited_signals(&signals);
    int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static struct timespec time_until(int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_monotonic_ns();
    left_ns = left_ns < 0 ? 0 : left_ns;
    return (struct timespec){.tv_sec = left_ns / NS_PER_S, .tv_nsec = left_ns % NS_PER_S};
}

/* Takes ended workers off `*running`. */
static void count_ended(int done_fd, unsigned *running)
{
    uint64_t ended = 0;
    if (read(done_fd, &ended, sizeof ended) == sizeof ended) {
        ASSERT(ended <= *running);
        *running -= (unsigned)ended;
    }
}

/* Does what is due; returns when something is next, in monotonic time. */
static int64_t keep_time(struct server *server)
{
    struct truth_time now = truth_time_now();
    int64_t slice_ns = truth_tick(server->app.truth.truth, now);
    int64_t phase_ns = rule_book_tick(&server->app.rules, now);
    int64_t second_ns =
        live_tick(server->app.live, now, server_metrics_in_flight(&server->metrics));
    int64_t next_ns = slice_ns < phase_ns ? slice_ns : phase_ns;
    return next_ns < second_ns ? next_ns : second_ns;
}

/* True for a signal that is to end the process; another one is followed. */
static bool read_signal(struct server *server)
{
    struct signalfd_siginfo info;
    if (read(server->signal_fd, &info, sizeof info) != sizeof info) {
        return false;
    }
    if (info.ssi_signo == SIGHUP) {
        reload_asked(&server->reload);
        return false;
    }
    return true;
}

/*
 * Waits until a signal comes, no worker runs, or the deadline (INT64_MAX: none) passes. Meanwhile
 * it ends the slices of the truth when their time has come, moves the scenario on, and tells the
 * live page of each second.
 */
static enum waited_for wait_for_any(struct server *server, unsigned *running, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = server->signal_fd, .events = POLLIN},
                               {.fd = server->done_fd, .events = POLLIN},
                               {.fd = server->reload.watch.fd, .events = POLLIN}};
        int64_t tick_ns = keep_time(server);
        struct timespec left = time_until(tick_ns < deadline_ns ? tick_ns : deadline_ns);
        int count = ppoll(fds, ARRAY_LENGTH(fds), &left, NULL);
        if (count == 0) {
            if (clock_monotonic_ns() >= deadline_ns) {
                return WAITED_DEADLINE;
            }
            continue; /* something is due */
        }
        ASSERT(count > 0 || errno == EINTR);
        if (read_signal(server)) {
            return WAITED_SIGNAL;
        }
        if (count > 0 && fds[2].revents != 0) {
            reload_noticed(&server->reload);
        }
        count_ended(server->done_fd, running);
        if (*running == 0) {
            return WAITED_WORKERS;
        }
    }
}

static uint64_t join_all(struct server *server)
{
    uint64_t cut_off = 0;
    for (unsigned i = 0; i < server->started; i++) {
        worker_join(&server->workers[i]);
        cut_off += server->workers[i].cut_off;
    }
    return cut_off;
}

static uint64_t stop_all(struct server *server)
{
    for (unsigned i = 0; i < server->started; i++) {
        engine_request_stop(&server->workers[i].engine);
    }
    return join_all(server);
}

void drain_stop_workers(struct server *server)
{
    (void)stop_all(server);
}

static uint64_t drain(struct server *server)
{
    const struct configuration *configuration = server->configuration;
    unsigned running = server->started;
    enum waited_for event = wait_for_any(server, &running, INT64_MAX);
    ASSERT(event == WAITED_SIGNAL); /* workers do not end by themselves */
    atomic_store(&server->app.ready, false);
    live_end(server->app.live);
    fprintf(stderr, "httpserver: draining\n");
    service_manager_tell(server->manager_fd, SERVICE_STOPPING);
    int64_t now_ns = clock_monotonic_ns();
    if (configuration->drain_delay_ns > 0) {
        event = wait_for_any(server, &running, now_ns + configuration->drain_delay_ns);
        if (event == WAITED_SIGNAL) {
            return stop_all(server);
        }
        now_ns = clock_monotonic_ns();
    }
    for (unsigned i = 0; i < server->started; i++) {
        engine_request_drain(&server->workers[i].engine);
    }
    event = wait_for_any(server, &running, now_ns + configuration->drain_timeout_ns);
    return event == WAITED_WORKERS ? join_all(server) : stop_all(server);
}

uint64_t drain_wait_and_end(struct server *server)
{
    return drain(server);
}

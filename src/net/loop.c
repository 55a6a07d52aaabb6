#include "net/loop.h"

#include "base/assert.h"
#include "base/clock.h"
#include "net/socket.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define FIRED INT64_MIN

int loop_init(struct loop *loop)
{
    *loop = (struct loop){.epoll_fd = -1, .timer_fd = -1, .wake_fd = -1, .armed_ns = INT64_MAX};
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = 0;
    if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->wake_fd < 0) {
        error = -errno;
    }
    if (error == 0) {
        error = loop_add(loop, loop->timer_fd, EPOLLIN, loop_token(LOOP_KIND_TIMER, 0, 0));
    }
    if (error == 0) {
        error = loop_add(loop, loop->wake_fd, EPOLLIN, loop_token(LOOP_KIND_WAKE, 0, 0));
    }
    if (error != 0) {
        loop_destroy(loop);
    }
    return error;
}

static void close_if_open(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void loop_destroy(struct loop *loop)
{
    close_if_open(&loop->timer_fd);
    close_if_open(&loop->wake_fd);
    close_if_open(&loop->epoll_fd);
}

int loop_add(struct loop *loop, int fd, uint32_t events, uint64_t token)
{
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

void loop_modify(struct loop *loop, int fd, uint32_t events, uint64_t token)
{
    struct epoll_event event = {.events = events, .data.u64 = token};
    int result = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    ASSERT(result == 0); /* the descriptor was added and is open: nothing else can go wrong */
}

void loop_set_deadline(struct loop *loop, int64_t deadline_ns)
{
    /* Set too early, it wakes the loop once for nothing: cheaper than a system call each time. */
    if (loop->armed_ns != FIRED && deadline_ns >= loop->armed_ns) {
        return;
    }
    struct itimerspec setting = {0};
    if (deadline_ns != INT64_MAX) {
        /* A zero setting would disarm the timer instead of firing at once. */
        int64_t at_ns = deadline_ns > 0 ? deadline_ns : 1;
        setting.it_value.tv_sec = at_ns / NS_PER_S;
        setting.it_value.tv_nsec = at_ns % NS_PER_S;
    }
    int result = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &setting, NULL);
    ASSERT(result == 0);
    loop->armed_ns = deadline_ns;
}

static ALWAYS_INLINE int take_events(struct loop *loop, int timeout_ms)
{
    int count = socket_wait_events(loop->epoll_fd, loop->events, LOOP_MAX_EVENTS, timeout_ms);
    if (count < 0) {
        ASSERT(errno == EINTR);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        uint8_t kind = loop_token_kind(loop->events[i].data.u64);
        if (kind == LOOP_KIND_WAKE) {
            uint64_t wakes = 0;
            ssize_t got = read(loop->wake_fd, &wakes, sizeof wakes);
            (void)got; /* EAGAIN: somebody woke it, which is all it says */
        } else if (kind == LOOP_KIND_TIMER) {
            /* Fired: setting it anew clears its readiness, so it need not be read. */
            loop->armed_ns = FIRED;
        }
    }
    return count;
}

int loop_wait(struct loop *loop)
{
    return take_events(loop, -1);
}

int loop_poll(struct loop *loop)
{
    return take_events(loop, 0);
}

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written; /* EAGAIN: it is awake already */
}

#include "../cmocka_includes.h"

#include "net/socket.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

struct pair {
    int ours;
    int theirs;
};

static int open_pair(void **state)
{
    static struct pair pair;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    pair = (struct pair){fds[0], fds[1]};
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    const struct pair *pair = *state;
    close(pair->ours);
    if (pair->theirs >= 0) {
        close(pair->theirs);
    }
    return 0;
}

static void bytes_go_both_ways(void **state)
{
    const struct pair *pair = *state;
    char memory[16];
    assert_int_equal(socket_send(pair->ours, "hello", 5), 5);
    assert_int_equal(recv(pair->theirs, memory, sizeof memory, 0), 5);
    assert_memory_equal(memory, "hello", 5);
    assert_int_equal(send(pair->theirs, "a\0b", 3, 0), 3);
    /* What does not fit waits for the next call. */
    assert_int_equal(socket_receive(pair->ours, memory, 2), 2);
    assert_memory_equal(memory, "a\0", 2);
    assert_int_equal(socket_receive(pair->ours, memory, sizeof memory), 1);
    assert_int_equal(memory[0], 'b');
    assert_int_equal(socket_send(pair->ours, NULL, 0), 0);
}

static void nothing_to_receive_is_eagain_and_the_end_is_zero(void **state)
{
    struct pair *pair = *state;
    char memory[16];
    errno = 0;
    assert_int_equal(socket_receive(pair->ours, memory, sizeof memory), -1);
    assert_int_equal(errno, EAGAIN);
    close(pair->theirs);
    pair->theirs = -1;
    assert_int_equal(socket_receive(pair->ours, memory, sizeof memory), 0);
}

static void a_full_socket_takes_a_part_then_nothing(void **state)
{
    const struct pair *pair = *state;
    static char many[1 << 22];
    ssize_t sent = socket_send(pair->ours, many, sizeof many);
    assert_true(sent > 0 && (size_t)sent < sizeof many);
    errno = 0;
    assert_int_equal(socket_send(pair->ours, many, sizeof many), -1);
    assert_int_equal(errno, EAGAIN);
}

/* Not a SIGPIPE, which would end the process. */
static void sending_to_nobody_is_epipe(void **state)
{
    struct pair *pair = *state;
    close(pair->theirs);
    pair->theirs = -1;
    struct sigaction before, fatal = {.sa_handler = SIG_DFL};
    assert_int_equal(sigaction(SIGPIPE, &fatal, &before), 0);
    errno = 0;
    assert_int_equal(socket_send(pair->ours, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    errno = 0;
    assert_int_equal(socket_send(-1, "x", 1), -1);
    assert_int_equal(errno, EBADF);
}

static void *send_one(void *argument)
{
    const struct pair *pair = argument;
    assert_int_equal(send(pair->theirs, "x", 1, 0), 1);
    return NULL;
}

static void waiting_ends_with_the_first_event(void **state)
{
    struct pair *pair = *state;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    assert_true(epoll_fd >= 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};
    assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair->ours, &event), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_one, pair), 0);
    struct epoll_event events[4] = {0};
    int count = 0;
    while ((count = socket_wait_events(epoll_fd, events, 4, -1)) < 0) {
        assert_int_equal(errno, EINTR);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(events[0].events, EPOLLIN);
    assert_int_equal(events[0].data.u64, 77);
    close(epoll_fd);
    errno = 0;
    assert_int_equal(socket_wait_events(-1, events, 4, -1), -1);
    assert_int_equal(errno, EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(nothing_to_receive_is_eagain_and_the_end_is_zero, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(a_full_socket_takes_a_part_then_nothing, open_pair,
                                        close_pair),
        cmocka_unit_test_setup_teardown(sending_to_nobody_is_epipe, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(waiting_ends_with_the_first_event, open_pair, close_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

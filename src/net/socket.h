/*
 * Receiving, sending and waiting without libc's cancellation points: around each of those calls a
 * program with threads pays two atomic instructions, and no thread here is ever cancelled.
 * Linux system calls; any thread.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* As recv(2) without flags: the bytes, 0 at the end, or -1 with errno set. */
static inline ssize_t socket_receive(int fd, void *memory, size_t capacity)
{
    return (ssize_t)syscall(SYS_recvfrom, fd, memory, capacity, 0, NULL, NULL);
}

/* As send(2) with MSG_NOSIGNAL. */
static inline ssize_t socket_send(int fd, const void *data, size_t length)
{
    return (ssize_t)syscall(SYS_sendto, fd, data, length, MSG_NOSIGNAL, NULL, 0);
}

/* As epoll_wait(2) without a timeout. */
static inline int socket_wait_events(int epoll_fd, struct epoll_event *events, int capacity)
{
    return (int)syscall(SYS_epoll_pwait, epoll_fd, events, capacity, -1, NULL, 0);
}

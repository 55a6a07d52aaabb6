/*
 * Receiving, sending and waiting without libc: its functions are cancellation points, for which a
 * program with threads pays two atomic instructions each time, and no thread here is ever
 * cancelled. And inline: what the kernel does in a call leaves the processor's memory of return
 * addresses useless, so that every function that returns on the way back from one costs a
 * mispredicted jump. Linux system calls; any thread.
 */
#pragma once

#include "base/compiler.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(__x86_64__)
/* The System V ABI, AMD64 supplement, section A.2.1: the kernel destroys rcx and r11. */
static ALWAYS_INLINE long socket_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result = number;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    if (UNLIKELY(result < 0)) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
#elif defined(__aarch64__)
static ALWAYS_INLINE long socket_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    if (UNLIKELY(x0 < 0)) {
        errno = (int)-x0;
        return -1;
    }
    return x0;
}
#else
#define socket_call syscall
#endif

/* As recv(2) without flags: the bytes, 0 at the end, or -1 with errno set. */
static inline ssize_t socket_receive(int fd, void *memory, size_t capacity)
{
    return (ssize_t)socket_call(SYS_recvfrom, fd, (long)memory, (long)capacity, 0, 0, 0);
}

/* As send(2) with MSG_NOSIGNAL. */
static inline ssize_t socket_send(int fd, const void *data, size_t length)
{
    return (ssize_t)socket_call(SYS_sendto, fd, (long)data, (long)length, MSG_NOSIGNAL, 0, 0);
}

/* As epoll_wait(2). */
static inline int socket_wait_events(int epoll_fd, struct epoll_event *events, int capacity,
                                     int timeout_ms)
{
    return (int)socket_call(SYS_epoll_pwait, epoll_fd, (long)events, capacity, timeout_ms, 0, 0);
}

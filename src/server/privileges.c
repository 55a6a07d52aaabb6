#include "server/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* A decimal number below 2^32 - 1, which is no user (chown(2)). */
static bool parse_id(struct span text, uint32_t *ret_id)
{
    if (text.length == 0 || text.length > 10) {
        return false;
    }
    uint64_t id = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        id = id * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_id = (uint32_t)id;
    return id < UINT32_MAX;
}

bool privileges_parse_user(struct span text, struct privileges_user *ret_user)
{
    const char *colon = text.length == 0 ? NULL : memchr(text.data, ':', text.length);
    if (colon == NULL) {
        return false;
    }
    size_t length = (size_t)(colon - text.data);
    return parse_id(span_of(text.data, length), &ret_user->user) &&
           parse_id(span_after(text, length + 1), &ret_user->group);
}

int privileges_become(struct privileges_user user)
{
    /* Groups first: without the user's rights they could not be given up any more. */
    if ((geteuid() == 0 && setgroups(0, NULL) != 0) ||
        setresgid(user.group, user.group, user.group) != 0 ||
        setresuid(user.user, user.user, user.user) != 0) {
        return -errno;
    }
    return 0;
}

/* By what they are for. A name that an architecture lacks is skipped. */
static const char *const allowed_calls[] = {
    /* connections */
    "accept4",
    "recvfrom",
    "sendto",
    "shutdown",
    "close",
    "setsockopt",
    "getsockopt",
    "getpeername",
    "getsockname",
    /* the loop */
    "epoll_wait",
    "epoll_pwait",
    "epoll_ctl",
    "timerfd_settime",
    "poll",
    "ppoll",
    "read",
    "write",
    "writev",
    "eventfd2",
    "signalfd4",
    "inotify_init1",
    "inotify_add_watch",
    "inotify_rm_watch",
    /* time and chance */
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "getrandom",
    /* memory */
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    /* threads */
    "clone",
    "clone3",
    "futex",
    "set_robust_list",
    "rseq",
    "exit",
    "sched_yield",
    "sched_getaffinity",
    "gettid",
    "getpid",
    "restart_syscall",
    "membarrier",
    /* signals and the end */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "tgkill",
    "exit_group",
    /* /proc for the metrics, the configuration file, a Unix socket's file */
    "fstat",
    "newfstatat",
    "stat",
    "statx",
    "lseek",
    "pread64",
    "getdents64",
    "fcntl",
    "prlimit64",
    "getrlimit",
    "getrusage",
    "sysinfo",
    "uname",
    "readlink",
    "readlinkat",
    "unlink",
    "unlinkat",
};

/* ioctl is a thousand calls: only the questions how much is unread and unsent, and isatty's. */
static int allow_ioctl(scmp_filter_ctx filter)
{
    static const unsigned long requests[] = {FIONREAD, TIOCOUTQ, TCGETS};
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                      SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* Files are only read: whoever got control of the process can neither make nor change one. */
static int allow_open_for_reading(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
    if (result == 0 && seccomp_syscall_resolve_name("open") >= 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
    }
    return result;
}

static int allow_calls(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < ARRAY_LENGTH(allowed_calls); i++) {
        int number = seccomp_syscall_resolve_name(allowed_calls[i]);
        if (number == __NR_SCMP_ERROR || number < 0) {
            continue;
        }
        int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        if (result != 0) {
            return result;
        }
    }
    int result = allow_open_for_reading(filter);
    return result == 0 ? allow_ioctl(filter) : result;
}

int privileges_restrict_calls(void)
{
    if (SANITIZED) {
        return -ENOSYS; /* a sanitizer's run-time makes calls of its own */
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -errno;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        return -ENOMEM;
    }
    int result = allow_calls(filter);
    if (result == 0) {
        /* The calls of every request first: the filter is a program that runs before each. */
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    return result;
}

/*
 * Each case runs in a child that replaces its descriptors from 3 on, as a service manager would.
 */
#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "net/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is put at descriptor 3, 4, ... of the child. */
enum kind { NOTHING, LISTENING, CONNECTED, DATAGRAM, FILE_KIND };

/* What went wrong in the child: its exit code, 0 for nothing. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                             \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static int open_kind(enum kind kind)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = kind == FILE_KIND ? open("/dev/null", O_RDWR)
                               : socket(AF_INET, kind == DATAGRAM ? SOCK_DGRAM : SOCK_STREAM, 0);
    CHECK(fd >= 0);
    if (kind == LISTENING) {
        CHECK(bind(fd, (struct sockaddr *)&any, sizeof any) == 0 && listen(fd, 4) == 0);
    }
    return fd;
}

static void place(const enum kind *kinds, unsigned count)
{
    /* Far from 3, so that none is overwritten before it is moved. */
    for (unsigned i = 0; i < count; i++) {
        close(3 + (int)i);
        if (kinds[i] == NOTHING) {
            continue;
        }
        int fd = open_kind(kinds[i]);
        int high = fcntl(fd, F_DUPFD, 100);
        CHECK(high >= 100);
        close(fd);
        CHECK(dup2(high, 3 + (int)i) == 3 + (int)i);
        close(high);
    }
}

static void set_or_unset(const char *name, const char *value)
{
    CHECK((value == NULL ? unsetenv(name) : setenv(name, value, 1)) == 0);
}

struct handed_over {
    const char *pid; /* NULL: not set; "own": the child's */
    const char *count;
    const char *names;
    enum kind kinds[INHERITED_MAX + 2];
    unsigned kind_count;
};

/* Runs `check` in a child with what is handed over. */
static void in_child(const struct handed_over *handed_over,
                     void (*check)(int result, const struct inherited_sockets *sockets,
                                   const char *reason))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char own[32];
        snprintf(own, sizeof own, "%d", (int)getpid());
        bool is_own = handed_over->pid != NULL && strcmp(handed_over->pid, "own") == 0;
        set_or_unset("LISTEN_PID", is_own ? own : handed_over->pid);
        set_or_unset("LISTEN_FDS", handed_over->count);
        set_or_unset("LISTEN_FDNAMES", handed_over->names);
        place(handed_over->kinds, handed_over->kind_count);
        struct inherited_sockets sockets;
        const char *reason = NULL;
        int result = inherited_sockets_take(&sockets, &reason);
        check(result, &sockets, reason);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_none(int result, const struct inherited_sockets *sockets, const char *reason)
{
    (void)reason;
    CHECK(result == 0);
    CHECK(sockets->count == 0);
}

static void check_refused(int result, const struct inherited_sockets *sockets, const char *reason)
{
    (void)sockets;
    CHECK(result == -EINVAL);
    CHECK(reason != NULL && reason[0] != '\0');
}

static void check_two(int result, const struct inherited_sockets *sockets, const char *reason)
{
    CHECK(result == 0 && reason == NULL);
    CHECK(sockets->count == 2);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(sockets->fds[i] == 3 + (int)i);
        CHECK(fcntl(sockets->fds[i], F_GETFD) & FD_CLOEXEC);
        CHECK(fcntl(sockets->fds[i], F_GETFL) & O_NONBLOCK);
    }
}

static void check_two_named(int result, const struct inherited_sockets *sockets, const char *reason)
{
    check_two(result, sockets, reason);
    CHECK(span_equals(sockets->names[0], SPAN("http")));
    CHECK(span_equals(sockets->names[1], SPAN("admin")));
}

static void check_two_second_named(int result, const struct inherited_sockets *sockets,
                                   const char *reason)
{
    check_two(result, sockets, reason);
    CHECK(sockets->names[0].length == 0);
    CHECK(span_equals(sockets->names[1], SPAN("b")));
}

static void check_two_unnamed(int result, const struct inherited_sockets *sockets,
                              const char *reason)
{
    check_two(result, sockets, reason);
    CHECK(sockets->names[0].length == 0);
    CHECK(sockets->names[1].length == 0);
}

static void check_all(int result, const struct inherited_sockets *sockets, const char *reason)
{
    CHECK(result == 0 && reason == NULL);
    CHECK(sockets->count == INHERITED_MAX);
    CHECK(sockets->fds[INHERITED_MAX - 1] == 3 + INHERITED_MAX - 1);
}

static void nothing_is_taken_that_was_not_handed_over(void **state)
{
    (void)state;
    static const struct handed_over cases[] = {
        {NULL, NULL, NULL, {LISTENING}, 1},
        {"own", NULL, NULL, {LISTENING}, 1},
        {NULL, "1", NULL, {LISTENING}, 1},
        {"own", "0", NULL, {LISTENING}, 1},
        /* For a parent, who left the variables in the environment. */
        {"1", "1", NULL, {LISTENING}, 1},
        {"1", "1", NULL, {NOTHING}, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        in_child(&cases[i], check_none);
    }
}

static void sockets_are_taken_in_order_with_their_names(void **state)
{
    (void)state;
    in_child(&(struct handed_over){"own", "2", "http:admin", {LISTENING, LISTENING}, 2},
             check_two_named);
    in_child(&(struct handed_over){"own", "2", "http:admin:more", {LISTENING, LISTENING}, 2},
             check_two_named);
    in_child(&(struct handed_over){"own", "2", ":b", {LISTENING, LISTENING}, 2},
             check_two_second_named);
    in_child(&(struct handed_over){"own", "2", NULL, {LISTENING, LISTENING, FILE_KIND}, 3},
             check_two_unnamed);
    in_child(&(struct handed_over){"own", "2", "", {LISTENING, LISTENING}, 2}, check_two_unnamed);
}

static void up_to_sixteen_are_taken(void **state)
{
    (void)state;
    struct handed_over all = {.pid = "own", .count = "16", .kind_count = INHERITED_MAX + 1};
    for (unsigned i = 0; i < all.kind_count; i++) {
        all.kinds[i] = LISTENING;
    }
    in_child(&all, check_all);
    all.count = "17";
    in_child(&all, check_refused);
}

static void what_is_wrong_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct handed_over cases[] = {
        {"own", "1", NULL, {NOTHING}, 1},
        {"own", "1", NULL, {CONNECTED}, 1}, /* a stream socket that does not listen */
        {"own", "1", NULL, {DATAGRAM}, 1},
        {"own", "1", NULL, {FILE_KIND}, 1},
        {"own", "2", NULL, {LISTENING, FILE_KIND}, 2},
        {"own", "", NULL, {LISTENING}, 1},
        {"own", "x", NULL, {LISTENING}, 1},
        {"own", "1x", NULL, {LISTENING}, 1},
        {"own", "-1", NULL, {LISTENING}, 1},
        {"own", " -1", NULL, {LISTENING}, 1},
        {"own", "99999999999999999999", NULL, {LISTENING}, 1},
        {"own", "4294967297", NULL, {LISTENING}, 1},
        {"", "1", NULL, {LISTENING}, 1},
        {"self", "1", NULL, {LISTENING}, 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        in_child(&cases[i], check_refused);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_taken_that_was_not_handed_over),
        cmocka_unit_test(sockets_are_taken_in_order_with_their_names),
        cmocka_unit_test(up_to_sixteen_are_taken),
        cmocka_unit_test(what_is_wrong_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

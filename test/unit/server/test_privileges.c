#include "../cmocka_includes.h"

#include "server/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FILTERED false
#else
#define FILTERED true
#endif

/* How a child ends that got no filter. */
enum { NO_FILTER = 77, FAILED = 78 };

static void numbers_of_a_user_are_read(void **state)
{
    (void)state;
    struct privileges_user user = {0};
    assert_true(privileges_parse_user(SPAN("65533:0"), &user));
    assert_int_equal(user.user, 65533);
    assert_int_equal(user.group, 0);
    static const struct span refused[] = {{"", 0},    {":", 1},    {"1", 1},
                                          {"1:", 2},  {":1", 2},   {"1:2:3", 5},
                                          {"a:1", 3}, {"-1:1", 4}, {"4294967295:1", 12}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(privileges_parse_user(refused[i], &user));
    }
}

/* What a child that has the filter may not do: the number of the first thing that went wrong. */
static int try_calls(void)
{
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) {
        return 1;
    }
    static const int writing[] = {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC};
    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++) {
        if (open("/dev/null", writing[i] | O_CLOEXEC, 0600) >= 0 || errno != EPERM) {
            return 2;
        }
    }
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM) {
        return 3;
    }
    char name[] = "/bin/true";
    char *const arguments[] = {name, NULL};
    execv(name, arguments);
    if (errno != EPERM) {
        return 4;
    }
    return setuid(0) == 0 || errno != EPERM ? 5 : 0;
}

static void with_the_filter_files_are_read_and_nothing_is_started(void **state)
{
    (void)state;
    if (prctl(PR_GET_SECCOMP) < 0) {
        print_message("qemu-user emulates no filters: not tested\n");
        return;
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int result = privileges_restrict_calls();
        _exit(result == -ENOSYS ? NO_FILTER : result != 0 ? FAILED : try_calls());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    /* With a sanitizer there is no filter, which it says. */
    assert_int_equal(WEXITSTATUS(status), FILTERED ? 0 : NO_FILTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_a_user_are_read),
        cmocka_unit_test(with_the_filter_files_are_read_and_nothing_is_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

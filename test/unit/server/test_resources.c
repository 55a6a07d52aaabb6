/*
 * What is asked of the process is asked in children, which can give themselves less.
 */
#include "../cmocka_includes.h"

#include "server/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `check` in a child; its exit code must be 0. */
static void in_child(int (*check)(unsigned argument), unsigned argument)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(check(argument));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void there_are_as_many_processors_as_may_be_used(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    assert_in_range(resources_processors(), 1, CPU_COUNT(&set));
}

static int check_one_processor(unsigned which)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(which, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        return 2;
    }
    return resources_processors() == 1 ? 0 : 1;
}

static void an_affinity_mask_counts(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &set)) {
            in_child(check_one_processor, i);
            return;
        }
    }
    fail_msg("no processor may be used");
}

static int check_descriptor_limit(unsigned soft)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 300) {
        return 2;
    }
    limit.rlim_max = 300;
    limit.rlim_cur = soft;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || resources_raise_descriptor_limit() != 300) {
        return 3;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 4;
    }
    return limit.rlim_cur == 300 && limit.rlim_max == 300 ? 0 : 5;
}

static void the_descriptor_limit_is_raised_to_the_hard_one(void **state)
{
    (void)state;
    in_child(check_descriptor_limit, 64);
    in_child(check_descriptor_limit, 300);
}

static bool is_dev_null(int fd)
{
    struct stat null, status;
    return stat("/dev/null", &null) == 0 && fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == null.st_rdev;
}

/* `open_ones` is a set of descriptors; those stay what they are, the others become /dev/null. */
static int check_standard_descriptors(unsigned open_ones)
{
    int files[3];
    if (pipe(files) != 0 || (files[2] = dup(files[1])) < 0) {
        return 2;
    }
    struct stat before;
    if (fstat(files[0], &before) != 0) {
        return 3;
    }
    int kept = fcntl(files[0], F_DUPFD, 50);
    for (int fd = 0; fd <= 2; fd++) {
        if ((open_ones >> fd & 1) != 0) {
            if (dup2(kept, fd) != fd) {
                return 4;
            }
        } else {
            close(fd);
        }
    }
    resources_open_standard_descriptors();
    for (int fd = 0; fd <= 2; fd++) {
        struct stat after;
        if (fstat(fd, &after) != 0) {
            return 10 + fd;
        }
        bool kept_open = (open_ones >> fd & 1) != 0;
        if (kept_open ? after.st_ino != before.st_ino || after.st_dev != before.st_dev
                      : !is_dev_null(fd)) {
            return 20 + fd;
        }
        /* What is written to it, or read from it, is no error. */
        if (!kept_open && (write(fd, "x", 1) != 1 || read(fd, &(char){0}, 1) != 0)) {
            return 30 + fd;
        }
    }
    return dup(kept) > 2 ? 0 : 5;
}

static void closed_standard_descriptors_become_dev_null(void **state)
{
    (void)state;
    for (unsigned open_ones = 0; open_ones < 8; open_ones++) {
        in_child(check_standard_descriptors, open_ones);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_as_many_processors_as_may_be_used),
        cmocka_unit_test(an_affinity_mask_counts),
        cmocka_unit_test(the_descriptor_limit_is_raised_to_the_hard_one),
        cmocka_unit_test(closed_standard_descriptors_become_dev_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

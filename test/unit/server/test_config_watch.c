#include "../cmocka_includes.h"

#include "server/config_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/test_config_watch_XXXXXX";
static char path[PATH_MAX];
static struct config_watch watch;

static const char *beside(const char *name)
{
    static char text[2][PATH_MAX];
    static unsigned next;
    char *at = text[next++ % 2];
    snprintf(at, PATH_MAX, "%s/%s", folder, name);
    return at;
}

static void write_file(const char *at)
{
    FILE *file = fopen(at, "w");
    assert_non_null(file);
    assert_true(fputs("x", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/server.yaml", folder);
    write_file(path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    config_watch_close(&watch);
    static const char *const names[] = {"server.yaml", "other", "..data", "..1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(beside(names[i]));
    }
    return rmdir(folder);
}

static bool concerned(void)
{
    struct pollfd fd = {.fd = watch.fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 5000), 1);
    return config_watch_read(&watch);
}

static void what_changes_the_file_concerns_it(void **state)
{
    (void)state;
    assert_int_equal(config_watch_open(&watch, path), 0);
    write_file(path);
    assert_true(concerned());
    write_file(beside("other"));
    assert_false(concerned());
    assert_int_equal(rename(beside("other"), path), 0);
    assert_true(concerned());
    assert_int_equal(symlink("1", beside("..1")), 0);
    assert_false(concerned());
    assert_int_equal(rename(beside("..1"), beside("..data")), 0);
    assert_true(concerned());
    config_watch_close(&watch);
    config_watch_close(&watch);
}

static void a_file_that_is_being_made_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(config_watch_open(&watch, path), 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_false(concerned());
    assert_int_equal(close(fd), 0);
    assert_true(concerned());
}

static void what_cannot_be_watched_is_said(void **state)
{
    (void)state;
    struct config_watch other;
    assert_int_equal(config_watch_open(&other, "/nonexistent/a.yaml"), -ENOENT);
    assert_int_equal(other.fd, -1);
    char name[NAME_MAX + 1];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(config_watch_open(&other, name), 0);
    config_watch_close(&other);
    char longer[NAME_MAX + 2];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(config_watch_open(&other, longer), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changes_the_file_concerns_it),
        cmocka_unit_test(a_file_that_is_being_made_is_waited_for),
        cmocka_unit_test(what_cannot_be_watched_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

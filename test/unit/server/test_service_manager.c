#include "../cmocka_includes.h"

#include "server/service_manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager's socket at an address, `length` bytes of whose path are meant. */
static int listen_at(const char *path, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    return fd;
}

static void expect_message(int manager, const char *expected)
{
    char message[64] = "";
    assert_int_equal(recv(manager, message, sizeof message - 1, MSG_DONTWAIT), strlen(expected));
    assert_string_equal(message, expected);
}

static void tells_a_socket_in_the_file_system(void **state)
{
    (void)state;
    char folder[] = "/tmp/service_manager.XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/notify", folder);
    int manager = listen_at(path, strlen(path));
    setenv("NOTIFY_SOCKET", path, 1);
    int fd = service_manager_open();
    assert_true(fd >= 0);
    service_manager_tell(fd, SERVICE_READY);
    expect_message(manager, "READY=1");
    service_manager_tell(fd, SERVICE_STOPPING);
    expect_message(manager, "STOPPING=1");
    close(manager);
    service_manager_tell(fd, SERVICE_STOPPING); /* nobody is there any more: no harm */
    close(fd);
    unlink(path);
    rmdir(folder);
}

static void tells_an_abstract_socket(void **state)
{
    (void)state;
    char name[64] = "";
    int length = snprintf(name + 1, sizeof name - 1, "service_manager.%d", (int)getpid());
    int manager = listen_at(name, (size_t)length + 1);
    name[0] = '@';
    setenv("NOTIFY_SOCKET", name, 1);
    int fd = service_manager_open();
    assert_true(fd >= 0);
    service_manager_tell(fd, SERVICE_READY);
    expect_message(manager, "READY=1");
    close(fd);
    close(manager);
}

static void without_a_manager_it_is_silent(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(service_manager_open(), -ENODATA);
    service_manager_tell(-ENODATA, SERVICE_READY);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(service_manager_open(), -EINVAL);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(service_manager_open(), -EINVAL);
    setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
    assert_int_equal(service_manager_open(), -ENOENT);
    char name[256] = "/";
    memset(name + 1, 'a', sizeof name - 2);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(service_manager_open(), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_a_socket_in_the_file_system),
        cmocka_unit_test(tells_an_abstract_socket),
        cmocka_unit_test(without_a_manager_it_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

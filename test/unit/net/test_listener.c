#include "../cmocka_includes.h"

#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORKERS 4

static struct address address_of(const char *text)
{
    struct address address;
    const char *reason = NULL;
    assert_int_equal(address_parse(span_from_string(text), &address, &reason), 0);
    return address;
}

static uint16_t port_of(const struct address *address)
{
    return ntohs(address->socket.any.sa_family == AF_INET6 ? address->socket.v6.sin6_port
                                                           : address->socket.v4.sin_port);
}

static int connect_to(const struct address *address)
{
    int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, &address->socket.any, address->length) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static void close_all(const struct address *address, const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
    listener_remove_file(address); /* nothing to do but for a Unix socket */
}

static void check_flags(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    int listening = 0;
    socklen_t length = sizeof listening;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length), 0);
    assert_int_equal(listening, 1);
}

static void port_zero_gives_all_workers_one_port(void **state)
{
    (void)state;
    struct address address = address_of("127.0.0.1:0");
    int fds[WORKERS];
    assert_int_equal(listener_open(&address, false, fds, WORKERS), 0);
    assert_int_not_equal(port_of(&address), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        struct address own = {.length = sizeof own.socket};
        assert_int_equal(getsockname(fds[i], &own.socket.any, &own.length), 0);
        assert_int_equal(port_of(&own), port_of(&address));
        assert_int_equal(own.length, address.length);
        for (unsigned k = 0; k < i; k++) {
            assert_int_not_equal(fds[i], fds[k]);
        }
        check_flags(fds[i]);
    }
    /* Each connection is in one queue or another. */
    for (int connections = 0; connections < 20; connections++) {
        int client = connect_to(&address);
        assert_true(client >= 0);
        struct pollfd polled[WORKERS];
        for (unsigned i = 0; i < WORKERS; i++) {
            polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        }
        assert_int_equal(poll(polled, WORKERS, -1), 1);
        for (unsigned i = 0; i < WORKERS; i++) {
            if (polled[i].revents != 0) {
                int server = accept(fds[i], NULL, NULL);
                assert_true(server >= 0);
                close(server);
            }
        }
        close(client);
    }
    close_all(&address, fds, WORKERS);
    assert_int_equal(connect_to(&address), -ECONNREFUSED);
}

/* A port that nobody has at any address: others may have one at an address that is not tried here.
 */
static unsigned port_free_everywhere(void)
{
    struct address everywhere = address_of("0.0.0.0:0");
    int fd;
    assert_int_equal(listener_open(&everywhere, false, &fd, 1), 0);
    unsigned port = port_of(&everywhere);
    close_all(&everywhere, &fd, 1);
    return port;
}

static void check_second_is_refused(const char *first_host, const char *second_host)
{
    char text[ADDRESS_TEXT_BYTES];
    snprintf(text, sizeof text, "%s:%u", first_host, port_free_everywhere());
    struct address first = address_of(text);
    int fds[2], more[2];
    assert_int_equal(listener_open(&first, false, fds, 2), 0);
    snprintf(text, sizeof text, "%s:%u", second_host, port_of(&first));
    struct address second = address_of(text);
    assert_int_equal(listener_open(&second, false, more, 2), -EADDRINUSE);
    assert_int_equal(listener_open(&second, true, more, 2), 0);
    close_all(&second, more, 2);
    close_all(&first, fds, 2);
    /* When the first is gone the address is free at once. */
    assert_int_equal(listener_open(&second, false, more, 1), 0);
    close_all(&second, more, 1);
}

static void an_address_in_use_is_refused_unless_shared(void **state)
{
    (void)state;
    check_second_is_refused("127.0.0.1", "127.0.0.1");
    check_second_is_refused("0.0.0.0", "0.0.0.0");
    check_second_is_refused("0.0.0.0", "127.0.0.1");
    check_second_is_refused("127.0.0.1", "0.0.0.0");
}

static void another_program_s_port_is_refused_even_when_shared(void **state)
{
    (void)state;
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct address address = address_of("127.0.0.1:0");
    assert_int_equal(bind(other, &address.socket.any, address.length), 0);
    assert_int_equal(listen(other, 1), 0);
    assert_int_equal(getsockname(other, &address.socket.any, &address.length), 0);
    int fds[1];
    assert_int_equal(listener_open(&address, false, fds, 1), -EADDRINUSE);
    assert_int_equal(listener_open(&address, true, fds, 1), -EADDRINUSE);
    close(other);
}

/* A connection in TIME_WAIT must not keep a restarted server from its port. */
static void a_restart_gets_its_port_back(void **state)
{
    (void)state;
    struct address address = address_of("127.0.0.1:0");
    int fds[1];
    assert_int_equal(listener_open(&address, false, fds, 1), 0);
    int client = connect_to(&address);
    struct pollfd polled = {.fd = fds[0], .events = POLLIN};
    assert_int_equal(poll(&polled, 1, -1), 1);
    int server = accept(fds[0], NULL, NULL);
    assert_true(client >= 0 && server >= 0);
    close(server); /* the server closes first: TIME_WAIT is on its side */
    char byte;
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    close_all(&address, fds, 1);
    assert_int_equal(listener_open(&address, false, fds, 1), 0);
    close_all(&address, fds, 1);
}

static void every_address_means_both_families(void **state)
{
    (void)state;
    struct address any = address_of(":0"), v6 = address_of("[::1]:0");
    int fds[2];
    int error = listener_open(&v6, false, fds, 1);
    if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) {
        skip(); /* a kernel or a container without IPv6 */
    }
    assert_int_equal(error, 0);
    char text[ADDRESS_TEXT_BYTES];
    snprintf(text, sizeof text, "127.0.0.1:%u", port_of(&v6));
    struct address v4 = address_of(text);
    assert_int_equal(connect_to(&v4), -ECONNREFUSED); /* a numeric address means itself */
    close_all(&v6, fds, 1);

    assert_int_equal(listener_open(&any, false, fds, 2), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u", port_of(&any));
    v4 = address_of(text);
    int client = connect_to(&v4);
    assert_true(client >= 0);
    close(client);
    close_all(&any, fds, 2);
}

static char folder[] = "/tmp/listener-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test left a file in it */
}

static struct address unix_address(char *path, size_t path_bytes)
{
    char text[ADDRESS_TEXT_BYTES];
    snprintf(path, path_bytes, "%s/socket", folder);
    snprintf(text, sizeof text, "unix:%s", path);
    return address_of(text);
}

static void a_unix_socket_is_shared_by_all_workers(void **state)
{
    (void)state;
    char path[64];
    struct address address = unix_address(path, sizeof path);
    int fds[WORKERS], more[1];
    assert_int_equal(listener_open(&address, false, fds, WORKERS), 0);
    struct stat first, other;
    assert_int_equal(fstat(fds[0], &first), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        check_flags(fds[i]);
        assert_int_equal(fstat(fds[i], &other), 0);
        assert_true(other.st_ino == first.st_ino);
    }
    assert_string_equal(address.socket.local.sun_path, path);
    int client = connect_to(&address);
    assert_true(client >= 0);
    close(client);
    struct address same = unix_address(path, sizeof path);
    assert_int_equal(listener_open(&same, false, more, 1), -EADDRINUSE);
    client = connect_to(&address); /* which did the first no harm */
    assert_true(client >= 0);
    close(client);
    close_all(&address, fds, WORKERS);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    (void)state;
    char path[64];
    struct address address = unix_address(path, sizeof path);
    int crashed = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(crashed, &address.socket.any, address.length), 0);
    assert_int_equal(listen(crashed, 1), 0);
    close(crashed); /* as a process does that is killed: the file stays */
    assert_int_equal(access(path, F_OK), 0);
    int fds[1];
    assert_int_equal(listener_open(&address, false, fds, 1), 0);
    int client = connect_to(&address);
    assert_true(client >= 0);
    close(client);
    close_all(&address, fds, 1);
}

/* A mistyped path must not cost the user a file. */
static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    char path[64];
    struct address address = unix_address(path, sizeof path);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, "precious", 8), 8);
    close(file);
    int fds[1];
    assert_int_equal(listener_open(&address, false, fds, 1), -EADDRINUSE);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 8);
    assert_int_equal(unlink(path), 0);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

static void a_failure_leaves_nothing_open(void **state)
{
    (void)state;
    unsigned before = open_descriptors();
    int fds[WORKERS];
    struct address not_ours = address_of("192.0.2.1:0"); /* TEST-NET-1 (RFC 5737) */
    assert_int_equal(listener_open(&not_ours, false, fds, WORKERS), -EADDRNOTAVAIL);
    assert_int_equal(listener_open(&not_ours, true, fds, WORKERS), -EADDRNOTAVAIL);
    struct address nowhere = address_of("unix:/nonexistent-folder/socket");
    assert_int_equal(listener_open(&nowhere, false, fds, WORKERS), -ENOENT);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_zero_gives_all_workers_one_port),
        cmocka_unit_test(an_address_in_use_is_refused_unless_shared),
        cmocka_unit_test(another_program_s_port_is_refused_even_when_shared),
        cmocka_unit_test(a_restart_gets_its_port_back),
        cmocka_unit_test(every_address_means_both_families),
        cmocka_unit_test(a_unix_socket_is_shared_by_all_workers),
        cmocka_unit_test(a_stale_unix_socket_is_replaced),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(a_failure_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */

static int set_flag(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

static int open_bound(const struct address *address, bool reuse_port)
{
    int family = address->socket.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int error = 0;
    if (family != AF_UNIX) {
        error = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (error == 0 && family == AF_INET6) {
        /* `:8080` means every address; a numeric IPv6 address means itself. */
        bool any = IN6_IS_ADDR_UNSPECIFIED(&address->socket.v6.sin6_addr);
        error = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, !any);
    }
    if (error == 0 && reuse_port && family != AF_UNIX) {
        error = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (error == 0 && bind(fd, &address->socket.any, address->length) != 0) {
        error = -errno;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

/* Without SO_REUSEPORT on the probe, bind fails where anybody else listens. */
static int probe(const struct address *address)
{
    int fd = open_bound(address, false);
    if (fd < 0) {
        return fd;
    }
    close(fd);
    return 0;
}

/* Takes the file of a Unix socket away when nobody accepts on it. */
static void remove_stale_socket(const struct address *address)
{
    /* Connecting to a file that is no socket is refused as well: that file is somebody's. */
    struct stat status;
    if (lstat(address->socket.local.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    if (connect(fd, &address->socket.any, address->length) != 0 && errno == ECONNREFUSED) {
        unlink(address->socket.local.sun_path);
    }
    close(fd);
}

static int open_listening(struct address *address)
{
    int fd = open_bound(address, true);
    if (fd < 0) {
        return fd;
    }
    address->length = sizeof address->socket;
    if (listen(fd, BACKLOG) != 0 || getsockname(fd, &address->socket.any, &address->length) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static int open_next(struct address *address, const int *fds, unsigned index)
{
    if (address->socket.any.sa_family != AF_UNIX || index == 0) {
        return open_listening(address);
    }
    int fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* `:8080` asks for every address: where the kernel has no IPv6, that is every IPv4 address. */
static void use_ipv4_without_ipv6(struct address *address)
{
    if (address->socket.any.sa_family != AF_INET6 ||
        !IN6_IS_ADDR_UNSPECIFIED(&address->socket.v6.sin6_addr)) {
        return;
    }
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        close(fd);
    } else if (errno == EAFNOSUPPORT) {
        struct sockaddr_in every = {
            .sin_family = AF_INET,
            .sin_port = address->socket.v6.sin6_port,
            .sin_addr.s_addr = htonl(INADDR_ANY),
        };
        address->socket.v4 = every;
        address->length = sizeof every;
    }
}

int listener_open(struct address *address, bool share, int *ret_fds, unsigned count)
{
    use_ipv4_without_ipv6(address);
    if (address->socket.any.sa_family == AF_UNIX) {
        remove_stale_socket(address);
    } else if (!share) {
        int error = probe(address);
        if (error != 0) {
            return error;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        ret_fds[i] = open_next(address, ret_fds, i);
        if (ret_fds[i] < 0) {
            int error = ret_fds[i];
            close_all(ret_fds, i);
            return error;
        }
    }
    return 0;
}

void listener_remove_file(const struct address *address)
{
    if (address->socket.any.sa_family == AF_UNIX) {
        unlink(address->socket.local.sun_path);
    }
}

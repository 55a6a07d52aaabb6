#include "server/addresses.h"

#include "net/inherited.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int fail(int result, const char *origin, const char *text, const char *reason,
                char error[ADDRESSES_ERROR_BYTES])
{
    snprintf(error, ADDRESSES_ERROR_BYTES, "%s: %s: %s", origin, text, reason);
    return result;
}

static enum surface surface_of(bool admin)
{
    return admin ? SURFACE_ADMIN : SURFACE_PUBLIC;
}

static int open_address(struct addresses *addresses, const char *text, const char *origin,
                        bool admin, bool reuse_port, struct worker *workers, unsigned worker_count,
                        char error[ADDRESSES_ERROR_BYTES])
{
    if (addresses->count == ENGINE_MAX_LISTENERS) {
        return fail(-ENOSPC, origin, text, "too many addresses", error);
    }
    struct served_address *served = &addresses->list[addresses->count];
    *served = (struct served_address){.admin = admin};
    const char *reason = NULL;
    int result = address_parse(span_from_string(text), &served->address, &reason);
    if (result != 0) {
        return fail(result, origin, text, reason, error);
    }
    int fds[APP_MAX_WORKERS];
    result = listener_open(&served->address, reuse_port, fds, worker_count);
    if (result != 0) {
        return fail(result, origin, text,
                    result == -EADDRINUSE ? "address in use" : strerror(-result), error);
    }
    addresses->count++;
    for (unsigned i = 0; i < worker_count; i++) {
        int added = engine_add_listener(&workers[i].engine, fds[i], surface_of(admin));
        result = result == 0 ? added : result;
    }
    return result == 0 ? 0 : fail(result, origin, text, strerror(-result), error);
}

/* One socket for all workers: each has a descriptor of its own for it. */
static int share_socket(int fd, enum surface surface, struct worker *workers, unsigned worker_count)
{
    for (unsigned i = 1; i < worker_count; i++) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        int result = own < 0 ? -errno : engine_add_listener(&workers[i].engine, own, surface);
        if (result != 0) {
            close(fd);
            return result;
        }
    }
    return engine_add_listener(&workers[0].engine, fd, surface);
}

static int take_inherited(struct addresses *addresses, const struct inherited_sockets *sockets,
                          struct worker *workers, unsigned worker_count,
                          char error[ADDRESSES_ERROR_BYTES])
{
    for (unsigned i = 0; i < sockets->count; i++) {
        struct served_address *served = &addresses->list[addresses->count++];
        *served = (struct served_address){
            .admin = span_equals(sockets->names[i], SPAN("admin")),
            .inherited = true,
        };
        served->address.length = sizeof served->address.socket;
        int result = 0;
        if (getsockname(sockets->fds[i], &served->address.socket.any, &served->address.length) !=
            0) {
            result = -errno;
        }
        if (result == 0) {
            result =
                share_socket(sockets->fds[i], surface_of(served->admin), workers, worker_count);
        }
        if (result != 0) {
            return fail(result, "LISTEN_FDS", "socket", strerror(-result), error);
        }
    }
    return 0;
}

int addresses_open(struct addresses *addresses, const struct configuration *configuration,
                   struct worker *workers, unsigned worker_count, char error[ADDRESSES_ERROR_BYTES])
{
    addresses->count = 0;
    struct inherited_sockets sockets;
    const char *reason = NULL;
    int result = inherited_sockets_take(&sockets, &reason);
    if (result != 0) {
        return fail(result, "LISTEN_FDS", "sockets handed over", reason, error);
    }
    if (sockets.count > 0) {
        return take_inherited(addresses, &sockets, workers, worker_count, error);
    }
    for (size_t i = 0; i < configuration->listen.count && result == 0; i++) {
        result = open_address(addresses, configuration->listen.items[i],
                              configuration_origin(configuration, OPTION_LISTEN), false,
                              configuration->reuse_port, workers, worker_count, error);
    }
    for (size_t i = 0; i < configuration->admin_listen.count && result == 0; i++) {
        result = open_address(addresses, configuration->admin_listen.items[i],
                              configuration_origin(configuration, OPTION_ADMIN_LISTEN), true,
                              configuration->reuse_port, workers, worker_count, error);
    }
    return result;
}

bool addresses_have_admin(const struct addresses *addresses)
{
    for (unsigned i = 0; i < addresses->count; i++) {
        if (addresses->list[i].admin) {
            return true;
        }
    }
    return false;
}

void addresses_announce(const struct addresses *addresses)
{
    for (unsigned i = 0; i < addresses->count; i++) {
        char text[ADDRESS_TEXT_BYTES + 1];
        struct buffer buffer = buffer_over(text, sizeof text - 1);
        address_print(&addresses->list[i].address, &buffer);
        text[buffer.length] = '\0';
        fprintf(stderr, "httpserver: listening on %s%s\n", text,
                addresses->list[i].admin ? " (metrics, probes and admin)" : "");
    }
}

void addresses_remove_files(const struct addresses *addresses)
{
    for (unsigned i = 0; i < addresses->count; i++) {
        if (!addresses->list[i].inherited) {
            listener_remove_file(&addresses->list[i].address);
        }
    }
}

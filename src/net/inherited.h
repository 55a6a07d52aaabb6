/*
 * Listening sockets that the starting process hands over, by systemd's convention
 * (sd_listen_fds(3)): LISTEN_PID is our process, LISTEN_FDS their number, descriptors from 3 on,
 * LISTEN_FDNAMES their names, separated by colons. So a new process can take over without one
 * connection being refused.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"

#include <stdint.h>

#define INHERITED_MAX 16

struct inherited_sockets {
    unsigned count;
    int fds[INHERITED_MAX];           /* owned by the caller: non-blocking, close-on-exec */
    struct span names[INHERITED_MAX]; /* into the environment; empty when there is none */
};

/*
 * Takes what was handed over; none when the variables are not set, or meant for another process.
 * Returns 0, or -EINVAL with a constant text in `*ret_reason` when they are set but wrong, or a
 * descriptor is no listening stream socket.
 */
WARN_UNUSED int inherited_sockets_take(struct inherited_sockets *ret_sockets,
                                       const char **ret_reason);

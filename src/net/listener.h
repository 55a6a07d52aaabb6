/*
 * Listening sockets. Each worker has one of its own for each address (SO_REUSEPORT), so accepting
 * shares nothing; a Unix socket is shared by all.
 */
#pragma once

#include "base/compiler.h"
#include "net/address.h"

/*
 * Opens `count` listening sockets on the address, non-blocking and close-on-exec, into `ret_fds`.
 * When the address has port 0, all get the port that the kernel chose for the first and
 * `address` is updated with it. For a Unix socket one is opened and duplicated; a socket file that
 * nobody listens on any more is replaced.
 *
 * Unless `share`, an address that another process listens on is refused with -EADDRINUSE:
 * SO_REUSEPORT alone would silently give that process half of the traffic.
 *
 * Returns 0 or a negative errno; on failure nothing is left open. The caller owns the descriptors.
 */
WARN_UNUSED int listener_open(struct address *address, bool share, int *ret_fds, unsigned count);

/* Takes the file of a Unix socket away, once nobody accepts on it any more. */
void listener_remove_file(const struct address *address);

/*
 * Where the server listens: the addresses of the options, or the sockets that were handed over in
 * their place. The main thread, before the workers run and after they have ended.
 */
#pragma once

#include "base/compiler.h"
#include "net/address.h"
#include "server/configuration.h"
#include "server/worker.h"

#define ADDRESSES_ERROR_BYTES 512

struct served_address {
    struct address address; /* as bound: with the real port */
    bool admin;
    bool inherited; /* somebody else's socket: its file, if it has one, is left alone */
};

struct addresses {
    struct served_address list[ENGINE_MAX_LISTENERS];
    unsigned count;
};

/*
 * Gives each worker listeners of its own for every address. On failure `error` has a line that
 * names the option, and what was opened is the engines', which close it. 0 or a negative errno.
 */
WARN_UNUSED int addresses_open(struct addresses *addresses,
                               const struct configuration *configuration, struct worker *workers,
                               unsigned worker_count, char error[ADDRESSES_ERROR_BYTES]);

/* Whether any is for the admin routes alone. */
bool addresses_have_admin(const struct addresses *addresses);

/* A line on stderr for each. */
void addresses_announce(const struct addresses *addresses);

/* Takes the files of Unix sockets away. */
void addresses_remove_files(const struct addresses *addresses);

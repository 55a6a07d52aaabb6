/*
 * All parts of a serving process, in the order in which they are made; each is taken apart in
 * the opposite one. The main thread makes it and waits for signals; see drain.h for the end.
 */
#pragma once

#include "app/app.h"
#include "net/network.h"
#include "server/access_log.h"
#include "server/addresses.h"
#include "server/admin_token.h"
#include "server/configuration.h"
#include "server/reload.h"
#include "server/server_metrics.h"
#include "server/worker.h"

#define SERVER_ERROR_BYTES ADDRESSES_ERROR_BYTES

struct server {
    const struct configuration *configuration; /* not owned */
    struct network trusted[TEXT_LIST_MAX_ITEMS];
    struct meter *meter; /* owned */
    struct app app;
    struct worker *workers; /* owned */
    unsigned worker_capacity;
    unsigned worker_count; /* of them that are initialised */
    unsigned started;      /* of them that have a thread */
    struct addresses addresses;
    struct server_metrics metrics;
    struct reload reload;
    struct access_log *log; /* owned; NULL when off */
    struct log_ring *rings[APP_MAX_WORKERS];
    int done_fd;    /* eventfd: a worker has ended */
    int signal_fd;  /* see drain_open_signals() */
    int manager_fd; /* see service_manager.h; negative when there is none */
    char seed_text[SEED_TEXT_MAX_BYTES + 1];
    char admin_token[ADMIN_TOKEN_MAX_BYTES + 1]; /* empty: no runtime changes */
};

/*
 * Opens and starts everything: afterwards it serves, and /readyz says so. On failure `error` has
 * one line without program name, and what was made is still to be given to server_close().
 * Returns 0 or a negative errno.
 */
WARN_UNUSED int server_open(struct server *server, const struct configuration *configuration,
                            char error[SERVER_ERROR_BYTES]);

/*
 * Writes the rest of the log and frees everything. All workers must have ended. Returns false when
 * the log's output is blocked: then nothing may be freed, and the process should exit.
 */
WARN_UNUSED bool server_close(struct server *server);

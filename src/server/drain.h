/*
 * What the main thread does while others serve, and the end of a serving process: what happens
 * between the first signal that ends it and the exit.
 */
#pragma once

#include "server/server.h"

/*
 * A descriptor that tells of SIGTERM, SIGINT and SIGHUP, which must be blocked in every thread; the
 * caller's. Opened before the first client comes: who knows what descriptors are left then. Or a
 * negative errno.
 */
WARN_UNUSED int drain_open_signals(void);

/*
 * Waits for SIGTERM or SIGINT, meanwhile keeping the truth's slices and the scenario on time and
 * reading the configuration again when it is asked to (server/reload). Then: /readyz says 503, the
 * drain delay passes while still accepting, the workers drain. A second signal, or the end of the
 * drain timeout, cuts off what is left. All workers have ended on return. Returns how many
 * requests were cut off.
 */
uint64_t drain_wait_and_end(struct server *server);

/* Ends the workers that run, at once. For a start that failed half-way. */
void drain_stop_workers(struct server *server);

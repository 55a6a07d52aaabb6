/*
 * Prometheus' targets, and which of them are servers of ours. Private to src/verify.
 */
#pragma once

#include "verify/verification.h"

/* Asks for the active and dropped targets. False when it could not be asked. */
bool targets_read(struct verification *verification) WARN_UNUSED;

/* Marks the targets that expose httpserver_build_info now. False when it could not be asked. */
bool targets_mark_build_info(struct verification *verification) WARN_UNUSED;

/*
 * Makes the list of servers: those of the request, or else one for each address of a target that
 * exposes httpserver_build_info, and of those in the same scrape pool that are not up; when none
 * does, of all that are not up. Joins servers and targets by address.
 */
void servers_assemble(struct verification *verification);

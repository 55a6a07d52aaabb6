/*
 * `httpserver serve`: opens everything, serves until it is told to end, drains.
 */
#pragma once

#include "server/configuration.h"

#define EXIT_CUT_OFF 1 /* requests were cut off at the end, or serving could not go on */

/* Returns the exit code. Errors at start are one line on stderr, and EXIT_USAGE. */
int command_serve_run(const struct configuration *configuration);

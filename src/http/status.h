/*
 * Status codes (RFC 9110, section 15; 429 and 431: RFC 6585) and their lines.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

/* The client left before its answer was complete; nginx's convention, never sent. */
#define STATUS_CLIENT_CLOSED_REQUEST 499

/* The connection was reset on purpose before the answer was whole; nginx's number, never sent. */
#define STATUS_RESET 444

/* "Not Found" for 404; "Unknown" for a code without a registered name. */
struct span status_reason(unsigned status);

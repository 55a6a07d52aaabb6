/*
 * The Date field (RFC 9110, sections 5.6.7 and 6.6.1), made once a second.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

#define DATE_BYTES 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* Writes the IMF-fixdate of `seconds` since 1970 UTC, without NUL. Pure; any thread. */
void date_print(int64_t seconds, char text[DATE_BYTES]);

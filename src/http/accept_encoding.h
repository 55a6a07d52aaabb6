/*
 * Accept-Encoding (RFC 9110, section 12.5.3). Pure functions, any thread.
 */
#pragma once

#include "base/span.h"

/*
 * Whether content coded with gzip is acceptable: gzip, x-gzip or `*` is named with a weight above
 * zero; what names gzip goes before `*`.
 */
bool accept_encoding_allows_gzip(struct span value);

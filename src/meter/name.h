/*
 * Which names are valid, and making text valid UTF-8. Pure functions, any thread.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>

/* [a-zA-Z_:][a-zA-Z0-9_:]* */
bool name_is_metric(struct span name);

/* [a-zA-Z_][a-zA-Z0-9_]*, not beginning with `__`, which Prometheus keeps for itself. */
bool name_is_label(struct span name);

/* Whether `text` is UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool text_is_clean(struct span text);

/* How many bytes text_clean() writes. */
size_t text_clean_bytes(struct span text);

/* Copies `text` with U+FFFD in place of each NUL and of each byte that is not part of valid UTF-8.
 * `out` has text_clean_bytes() bytes. Returns the bytes written. */
size_t text_clean(struct span text, char *out);

/* Code points of clean text. */
size_t text_code_points(struct span text);

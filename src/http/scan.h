/*
 * Scanners: how far a run of allowed bytes reaches. Each has a vector version (SSE2 or NEON,
 * chosen at compile time) and a scalar twin that says the same; a fuzzer compares them.
 * Pure functions, any thread.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Bit of a byte's classes in scan_classes. */
enum {
    SCAN_TOKEN = 1, /* tchar, RFC 9110 section 5.6.2 */
    SCAN_HOST = 2,  /* unreserved, sub-delims: RFC 3986 section 3.2.2, without "%" */
    SCAN_HEX = 4,
};

extern const uint8_t scan_classes[256];

static ALWAYS_INLINE bool scan_is(char byte, uint8_t classes)
{
    return (scan_classes[(uint8_t)byte] & classes) != 0;
}

/* The first byte in [from, end) that is no tchar, or end. */
static ALWAYS_INLINE const char *scan_token(const char *from, const char *end)
{
    while (from < end && scan_is(*from, SCAN_TOKEN)) {
        from++;
    }
    return from;
}

/*
 * The first byte in [from, end) that must not be in a field value (RFC 9110, section 5.5: control
 * bytes except HTAB; 0x80 to 0xff are allowed), or end. CR and LF end it like any other.
 */
const char *scan_field_value(const char *from, const char *end);
const char *scan_field_value_scalar(const char *from, const char *end);

/* The first byte in [from, end) that is not a visible ASCII character (0x21 to 0x7e), or end. */
const char *scan_target(const char *from, const char *end);
const char *scan_target_scalar(const char *from, const char *end);

/*
 * Scanners: how far a run of allowed bytes reaches. Each has a vector version (SSE2 or NEON,
 * chosen at compile time) and a scalar twin that says the same; a fuzzer compares them.
 * Pure functions, any thread.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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
const char *scan_token(const char *from, const char *end);
const char *scan_token_scalar(const char *from, const char *end);

/* The first byte in [from, end) that is not of SCAN_HOST, or end. */
const char *scan_host(const char *from, const char *end);
const char *scan_host_scalar(const char *from, const char *end);

/*
 * Whether a token is a name, which is given in lower case: case does not matter. Setting bit 5 of a
 * tchar gives the lower case of a letter, and never makes a letter or "-" of anything else.
 */
static ALWAYS_INLINE bool scan_token_is(const char *token, size_t length, const char *name,
                                        size_t name_length)
{
    if (length != name_length) {
        return false;
    }
    uint64_t difference = 0;
    size_t at = 0;
    for (; at + 8 <= name_length; at += 8) {
        uint64_t word, wanted;
        memcpy(&word, token + at, 8);
        memcpy(&wanted, name + at, 8);
        difference |= (word | UINT64_C(0x2020202020202020)) ^ wanted;
    }
    for (; at + 4 <= name_length; at += 4) {
        uint32_t word, wanted;
        memcpy(&word, token + at, 4);
        memcpy(&wanted, name + at, 4);
        difference |= (word | UINT32_C(0x20202020)) ^ wanted;
    }
    for (; at < name_length; at++) {
        difference |= (uint64_t)((token[at] | 0x20) ^ name[at]);
    }
    return difference == 0;
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

/*
 * Why a text written by a person (an option's value, a law) was refused, and at which byte.
 * Parsers fill one of these; who knows where the text came from puts that in front.
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/span.h"

#define PARSE_ERROR_MESSAGE_BYTES 240

struct parse_error {
    size_t offset; /* bytes before the offending one; the text's length when it ended too early */
    char message[PARSE_ERROR_MESSAGE_BYTES]; /* one printable line, NUL-terminated, cut if longer */
};

/* Fills `error` (which may be NULL: nobody asks why) and returns -EINVAL, for `return ...`. */
COLD int parse_error_set(struct parse_error *error, size_t offset, const char *format, ...)
    PRINTF_LIKE(3, 4);

/*
 * "expected `expected` at character N, found 'c'": N counts from 1, and the offending byte of
 * `text` is shown escaped, or as "the end". Returns -EINVAL.
 */
COLD int parse_error_expected(struct parse_error *error, struct span text, size_t offset,
                              const char *expected);

/*
 * Appends `text` so that it cannot disturb a terminal or a log: printable ASCII as it is, other
 * bytes and the backslash as \xHH, cut after `max_bytes` input bytes with "..." behind.
 */
void buffer_append_printable(struct buffer *buffer, struct span text, size_t max_bytes);

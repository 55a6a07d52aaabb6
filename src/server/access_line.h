/*
 * How a line of the access log looks; see access_log.h. One thread per struct.
 */
#pragma once

#include "base/compiler.h"
#include "server/access_log.h"

#include <stdint.h>

/* No line is longer, whatever the target: each of its bytes becomes at most `\u00ff`. */
#define ACCESS_LINE_MAX_BYTES ((size_t)8192)

#define ACCESS_ROUTE_NAME_MAX_BYTES 64

struct access_line_writer {
    enum log_format format;
    const char *const *route_names; /* not owned; may be NULL */
    size_t route_count;
    int64_t second;       /* that `second_text` is for */
    char second_text[20]; /* 2026-11-23T08:00:00. */
};

struct access_line_writer
access_line_writer_make(enum log_format format, const char *const *route_names, size_t route_count);

/* Writes the line with its newline to `at`, where ACCESS_LINE_MAX_BYTES fit; returns its end. */
char *access_line_write(struct access_line_writer *writer, const struct log_entry *entry, char *at);

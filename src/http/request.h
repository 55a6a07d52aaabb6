/*
 * The head of an HTTP/1.1 request, parsed in place into spans. Strict RFC 9112: what is ambiguous
 * is refused with a status and a reason, because two programs in a row that read one request
 * differently are how requests are smuggled.
 * Pure functions over the caller's memory; any thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "http/method.h"

#include <stdint.h>

#define REQUEST_MAX_FIELDS 100

struct request_field {
    struct span name;  /* as sent; a token */
    struct span value; /* without the white space around it */
};

/*
 * All spans point into the memory that was parsed and live as long as it does; only the path "/" of
 * an absolute target without one, and an empty query, may be constants.
 */
struct request {
    enum method method;
    uint8_t minor_version;   /* 0 or 1 */
    bool keep_alive;         /* what version and Connection ask for (RFC 9112, section 9.3) */
    bool chunked;            /* the body is in chunked coding */
    bool expects_continue;   /* Expect: 100-continue, from HTTP/1.1 on */
    bool asterisk;           /* the target is "*" */
    bool has_x_field;        /* of a name x-... with 6, 7, 8 or 11 bytes: see app/wish.h */
    uint64_t content_length; /* 0 when chunked or not given */
    struct span method_name; /* as sent */
    struct span target;      /* as sent */
    struct span path;        /* the target's path; starts with "/" unless `asterisk` */
    struct span query;       /* behind "?", without it; empty when there is none */
    struct span host;        /* of the target if that is absolute, else of Host */
    struct span traceparent; /* the first such field's value (W3C Trace Context), not checked */
    struct span connection;  /* the last Connection field's value that is not empty */
    const char *fields_end;  /* behind the last field line; field lines follow each other */
    uint32_t field_count;
    struct request_field fields[REQUEST_MAX_FIELDS]; /* in the order sent */
};

/* What is wrong with a head that is refused. */
struct request_error {
    uint16_t status;
    const char *reason; /* a constant, one line of plain text for the response's body */
};

enum request_result {
    REQUEST_COMPLETE,
    REQUEST_INCOMPLETE, /* all right so far, more bytes are needed */
    REQUEST_REFUSED,
};

struct request_limits {
    size_t max_head_bytes; /* from the input's first byte to the empty line's last; 2 at least */
};

/*
 * Parses the head at the start of `input`. On REQUEST_COMPLETE `*ret_head_bytes` tells where it
 * ends. On REQUEST_REFUSED `*ret_error` says why; `ret_request` then has what was understood
 * before (method, target). One empty line in front is skipped (RFC 9112, section 2.2).
 */
WARN_UNUSED enum request_result request_parse(struct span input,
                                              const struct request_limits *limits,
                                              struct request *ret_request, size_t *ret_head_bytes,
                                              struct request_error *ret_error);

/* The value of the first field of that name (case does not matter); a NULL span without one. */
struct span request_find(const struct request *request, struct span name);

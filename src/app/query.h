/*
 * The query of a target as forms write it: `name=value&name=value`, with `+` for a space and %XX
 * for any byte (RFC 3986, section 2.1; the URL standard's application/x-www-form-urlencoded).
 * Strict: a `%` without two hexadecimal digits is an error. Pure functions; any thread.
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/parse_error.h"

/* As it was sent. */
struct query_parameter {
    struct span name;
    struct span value;
    bool has_value; /* there is a `=` */
};

/*
 * Takes the next parameter from the front of `query`; false at the end. Empty ones, as between two
 * `&`, are passed over.
 */
bool query_next(struct span *query, struct query_parameter *ret_parameter);

/*
 * Appends the decoded text. -EINVAL, with `error` filled (offset is not), where `%` is not followed
 * by two hexadecimal digits; text that does not fit sets the buffer's `overflowed`.
 */
WARN_UNUSED int query_decode(struct span text, struct buffer *output, struct parse_error *error);

/*
 * The decoded value of the parameter of that name, into `value`. `*ret_found` tells whether there
 * is one. -EINVAL, with `error` filled, where it is repeated, has no value or is too long.
 */
WARN_UNUSED int query_find(struct span query, struct span name, struct buffer *value,
                           bool *ret_found, struct parse_error *error);

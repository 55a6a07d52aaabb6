/*
 * A small HTTP/1.1 client: GET, one connection for each request, http:// only, no redirects, no
 * compression asked for. It blocks, with a deadline for all of connecting, sending and receiving.
 */
#pragma once

#include "base/compiler.h"
#include "verify/url.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_CLIENT_ERROR_BYTES 512

struct http_client_limits {
    int64_t timeout_ns;    /* for each request, once its host's name is resolved */
    size_t max_body_bytes; /* of an answer, decoded */
};

struct http_answer {
    unsigned status;
    char *body; /* owned: give it to free(); NUL-terminated */
    size_t body_bytes;
    int64_t asked_ns;    /* realtime, when the request was sent */
    int64_t answered_ns; /* realtime, when the answer was whole */
};

/*
 * GET of the URL's prefix followed by `target`, which begins with a slash and is escaped already.
 * Any status is a success here. Fails with a negative errno and one line in `error` that says who
 * was asked and what went wrong; *ret_answer is then empty. All addresses of the host are tried in
 * turn. Resolving names is the C library's and takes as long as that takes. Any thread.
 */
int http_get(const struct url *url, const char *target, const struct http_client_limits *limits,
             struct http_answer *ret_answer, char error[HTTP_CLIENT_ERROR_BYTES]) WARN_UNUSED;

/*
 * Reads an HTTP/1.x response as it comes in: status line, the few fields that matter, and a body
 * by Content-Length, in chunks, or until the peer closes (RFC 9112, sections 4 and 6.3). What came
 * from the other side is never trusted: everything has a limit, and what is ambiguous is refused.
 * One thread at a time.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "http/body.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REPLY_MAX_HEAD_BYTES 32768
#define HTTP_REPLY_ERROR_BYTES 160

enum http_reply_state {
    HTTP_REPLY_HEAD, /* the head is not whole yet */
    HTTP_REPLY_BODY,
    HTTP_REPLY_COMPLETE,
    HTTP_REPLY_REFUSED, /* `error` says why; final */
};

struct http_reply {
    enum http_reply_state state;
    uint16_t status;
    char *body;        /* owned; NUL-terminated behind body_bytes; NULL while there is none */
    size_t body_bytes; /* decoded so far */
    char error[HTTP_REPLY_ERROR_BYTES];
    char location[256]; /* of a redirect, cut if longer; "" without one */

    /* private */
    size_t max_body_bytes;
    size_t body_capacity;
    bool until_close;
    struct body_decoder decoder;
    size_t head_bytes;
    char head[HTTP_REPLY_MAX_HEAD_BYTES];
};

/* `max_body_bytes` limits the decoded content. The reply is given to http_reply_free(). */
void http_reply_begin(struct http_reply *reply, size_t max_body_bytes);

/* Takes in what was received, in pieces of any size. Bytes behind the end are ignored. */
enum http_reply_state http_reply_feed(struct http_reply *reply, struct span input);

/* The peer has closed: complete where that ends the body, else refused as cut off. */
enum http_reply_state http_reply_closed(struct http_reply *reply);

void http_reply_free(struct http_reply *reply);

/*
 * Writing a response: the status line and Date first, then fields, then the content. The pieces go
 * straight into the worker's output, next to the responses before, so that a batch of pipelined
 * requests leaves in one system call. One thread at a time.
 */
#pragma once

#include "base/buffer.h"
#include "http/date.h"
#include "http/exchange.h"

/* The longest head and content a response may have besides what begin() kept. */
#define RESPONSE_MAX_BYTES 2048

/* The Date field's text and the start of a 200, remade when the second changes. */
struct response_clock {
    int64_t valid_until_ns;     /* monotonic */
    int64_t realtime_offset_ns; /* realtime minus monotonic, as of then */
    char date[DATE_BYTES];
    char ok_head[96]; /* "HTTP/1.1 200 OK\r\ndate: ...\r\n" */
    size_t ok_head_bytes;
};

struct response {
    struct buffer *output; /* the worker's */
    struct exchange *exchange;
    const struct response_clock *clock;
};

/* Remakes the clock's texts if `now_ns` is behind their second. */
void response_clock_update(struct response_clock *clock, int64_t now_ns);

/* The status line of exchange->status and the Date. First of all. */
void response_start(struct response *response);

/* A field; `value` must be a valid field value. */
void response_field(struct response *response, struct span name, struct span value);

/* Ends the head with Content-Length and Connection, and appends the content unless for HEAD. */
void response_finish(struct response *response, struct span content);

/* Ends the head of a response that must not have content (RFC 9110, sections 15.3.5 and 15.4.5). */
void response_finish_without_content(struct response *response);

/*
 * The content comes from `source`, which is the engine's from here on. The engine adds
 * Content-Length when the source knows its length or the content fits into one piece, else it is
 * sent in chunks.
 */
void response_finish_with_source(struct response *response, struct content_source source);

/*
 * The response, which must be finished, is cut there by a reset of its connection. Responses that
 * are before it in the output are sent; the exchange ends with STATUS_RESET.
 */
void response_reset(struct response *response, enum response_cut cut);

/* All of a plain text response, a line that says why. */
void response_plain_text(struct response *response, struct span text);

/* Ends the head: Connection as the exchange wants it, and the empty line. The engine's own. */
void response_end_head(struct buffer *output, const struct exchange *exchange);

#include "verify/http_reply.h"

#include "base/assert.h"
#include "base/quantity.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BODY_BYTES ((size_t)16384)

PRINTF_LIKE(2, 3)
static enum http_reply_state refuse(struct http_reply *reply, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->error, sizeof reply->error, format, arguments);
    va_end(arguments);
    reply->state = HTTP_REPLY_REFUSED;
    return reply->state;
}

void http_reply_begin(struct http_reply *reply, size_t max_body_bytes)
{
    ASSERT(max_body_bytes < SIZE_MAX / 2);
    memset(reply, 0, offsetof(struct http_reply, head));
    reply->max_body_bytes = max_body_bytes;
}

void http_reply_free(struct http_reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}

static enum http_reply_state append_content(struct http_reply *reply, struct span content)
{
    if (content.length > reply->max_body_bytes - reply->body_bytes) {
        return refuse(reply, "the answer is longer than %zu bytes", reply->max_body_bytes);
    }
    size_t needed = reply->body_bytes + content.length + 1;
    if (needed > reply->body_capacity) {
        size_t capacity = reply->body_capacity == 0 ? FIRST_BODY_BYTES : reply->body_capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *grown = realloc(reply->body, capacity);
        if (grown == NULL) {
            return refuse(reply, "no memory for an answer of %zu bytes", needed);
        }
        reply->body = grown;
        reply->body_capacity = capacity;
    }
    if (content.length > 0) {
        memcpy(reply->body + reply->body_bytes, content.data, content.length);
    }
    reply->body_bytes += content.length;
    reply->body[reply->body_bytes] = '\0';
    return reply->state;
}

/* The framing fields of a head (RFC 9112, section 6.3). */
struct framing {
    struct request as_request; /* what the body's decoder reads: chunked, content_length */
    bool has_length;
    bool has_coding;
};

static enum http_reply_state read_length(struct http_reply *reply, struct span value,
                                         struct framing *framing)
{
    uint64_t length = 0;
    if (count_parse(value, &length, NULL) < 0 ||
        (framing->has_length && framing->as_request.content_length != length)) {
        return refuse(reply, "its Content-Length is not one number");
    }
    framing->has_length = true;
    framing->as_request.content_length = length;
    return reply->state;
}

static enum http_reply_state read_field(struct http_reply *reply, struct span name,
                                        struct span value, struct framing *framing)
{
    if (span_equals_ignoring_case(name, SPAN("content-length"))) {
        return read_length(reply, value, framing);
    }
    if (span_equals_ignoring_case(name, SPAN("transfer-encoding"))) {
        if (framing->has_coding || !span_equals_ignoring_case(value, SPAN("chunked"))) {
            return refuse(reply, "its Transfer-Encoding is not just chunked");
        }
        framing->has_coding = true;
        framing->as_request.chunked = true;
    } else if (span_equals_ignoring_case(name, SPAN("content-encoding"))) {
        if (!span_equals_ignoring_case(value, SPAN("identity"))) {
            return refuse(reply, "it is compressed, which was not asked for");
        }
    } else if (span_equals_ignoring_case(name, SPAN("location"))) {
        struct buffer shown = buffer_over(reply->location, sizeof reply->location - 1);
        buffer_append_printable(&shown, value, sizeof reply->location / 4 - 2);
        reply->location[shown.length] = '\0';
    }
    return reply->state;
}

static enum http_reply_state read_status(struct http_reply *reply, struct span line)
{
    const struct span version = SPAN("HTTP/1.");
    if (line.length < 12 || !span_starts_with(line, version) || line.data[8] != ' ' ||
        (line.length > 12 && line.data[12] != ' ')) {
        return refuse(reply, "it does not speak HTTP/1.1");
    }
    uint64_t status = 0;
    if (count_parse(span_of(line.data + 9, 3), &status, NULL) < 0 || status < 100) {
        return refuse(reply, "its status is not a number");
    }
    reply->status = (uint16_t)status;
    return reply->state;
}

/* The next line of `*head`, without its end, which is taken off the front. */
static struct span take_line(struct span *head)
{
    const char *newline = memchr(head->data, '\n', head->length);
    ASSERT(newline != NULL);
    size_t length = (size_t)(newline - head->data);
    struct span line = span_of(head->data, length);
    *head = span_after(*head, length + 1);
    if (line.length > 0 && line.data[line.length - 1] == '\r') {
        line.length--;
    }
    return line;
}

static enum http_reply_state start_body(struct http_reply *reply, const struct framing *framing)
{
    if (framing->has_coding && framing->has_length) {
        return refuse(reply, "it has both Content-Length and Transfer-Encoding");
    }
    reply->state = HTTP_REPLY_BODY;
    if (append_content(reply, (struct span){0}) == HTTP_REPLY_REFUSED) {
        return reply->state;
    }
    if (reply->status == 204 || reply->status == 304) {
        reply->state = HTTP_REPLY_COMPLETE;
        return reply->state;
    }
    if (!framing->has_coding && !framing->has_length) {
        reply->until_close = true;
        return reply->state;
    }
    struct request_error error;
    switch (body_start(&reply->decoder, &framing->as_request, reply->max_body_bytes, &error)) {
    case BODY_COMPLETE:
        reply->state = HTTP_REPLY_COMPLETE;
        break;
    case BODY_REFUSED:
        return refuse(reply, "the answer is longer than %zu bytes", reply->max_body_bytes);
    case BODY_INCOMPLETE:
        break;
    }
    return reply->state;
}

static enum http_reply_state read_head(struct http_reply *reply)
{
    struct framing framing = {0};
    struct span head = span_of(reply->head, reply->head_bytes);
    if (read_status(reply, take_line(&head)) == HTTP_REPLY_REFUSED) {
        return reply->state;
    }
    for (struct span line = take_line(&head); line.length > 0; line = take_line(&head)) {
        const char *colon = memchr(line.data, ':', line.length);
        if (colon == NULL || colon == line.data || line.data[0] == ' ' || line.data[0] == '\t') {
            return refuse(reply, "a line of its head is not a field");
        }
        size_t length = (size_t)(colon - line.data);
        if (read_field(reply, span_of(line.data, length), span_trim(span_after(line, length + 1)),
                       &framing) == HTTP_REPLY_REFUSED) {
            return reply->state;
        }
    }
    reply->head_bytes = 0;
    if (reply->status < 200 && reply->status != 101) {
        return HTTP_REPLY_HEAD; /* an interim response: the real one follows */
    }
    return start_body(reply, &framing);
}

/* Moves bytes into the head until its empty line is there. */
static enum http_reply_state feed_head(struct http_reply *reply, struct span *input)
{
    while (input->length > 0) {
        if (reply->head_bytes == sizeof reply->head) {
            return refuse(reply, "its head is longer than %zu bytes", sizeof reply->head);
        }
        char byte = input->data[0];
        *input = span_after(*input, 1);
        reply->head[reply->head_bytes++] = byte;
        struct span head = span_of(reply->head, reply->head_bytes);
        bool ends = byte == '\n' && ((head.length >= 2 && head.data[head.length - 2] == '\n') ||
                                     (head.length >= 3 && head.data[head.length - 2] == '\r' &&
                                      head.data[head.length - 3] == '\n'));
        if (ends) {
            return read_head(reply);
        }
    }
    return reply->state;
}

static enum http_reply_state feed_body(struct http_reply *reply, struct span *input)
{
    struct span content = *input;
    if (reply->until_close) {
        *input = span_after(*input, input->length);
        return append_content(reply, content);
    }
    struct request_error error = {0};
    enum body_result result = body_decode(&reply->decoder, input, &content, &error);
    if (result == BODY_REFUSED) {
        return error.status == 413
                   ? refuse(reply, "the answer is longer than %zu bytes", reply->max_body_bytes)
                   : refuse(reply, "the framing of its body is wrong");
    }
    if (append_content(reply, content) != HTTP_REPLY_REFUSED && result == BODY_COMPLETE) {
        reply->state = HTTP_REPLY_COMPLETE;
    }
    return reply->state;
}

enum http_reply_state http_reply_feed(struct http_reply *reply, struct span input)
{
    while (input.length > 0 &&
           (reply->state == HTTP_REPLY_HEAD || reply->state == HTTP_REPLY_BODY)) {
        if (reply->state == HTTP_REPLY_HEAD) {
            feed_head(reply, &input);
        } else {
            feed_body(reply, &input);
        }
    }
    return reply->state;
}

enum http_reply_state http_reply_closed(struct http_reply *reply)
{
    if (reply->state == HTTP_REPLY_BODY && reply->until_close) {
        reply->state = HTTP_REPLY_COMPLETE;
    } else if (reply->state == HTTP_REPLY_HEAD && reply->head_bytes == 0) {
        return refuse(reply, "it closed the connection without an answer");
    } else if (reply->state != HTTP_REPLY_COMPLETE && reply->state != HTTP_REPLY_REFUSED) {
        return refuse(reply, "it closed the connection in the middle of its answer");
    }
    return reply->state;
}

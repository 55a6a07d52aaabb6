#include "http/response.h"

#include "base/clock.h"
#include "http/status.h"

#include <errno.h>

void response_clock_update(struct response_clock *clock, int64_t now_ns)
{
    if (now_ns < clock->valid_until_ns) {
        return;
    }
    int64_t realtime_ns = clock_realtime_ns();
    clock->realtime_offset_ns = realtime_ns - now_ns;
    clock->valid_until_ns = now_ns + NS_PER_S - realtime_ns % NS_PER_S;
    date_print(realtime_ns / NS_PER_S, clock->date);
    struct buffer head = buffer_over(clock->ok_head, sizeof clock->ok_head);
    buffer_append_span(&head, SPAN("HTTP/1.1 200 OK\r\ndate: "));
    buffer_append(&head, clock->date, DATE_BYTES);
    buffer_append_span(&head, SPAN("\r\n"));
    clock->ok_head_bytes = head.length;
}

void response_start(struct response *response)
{
    struct buffer *output = response->output;
    const struct response_clock *clock = response->clock;
    if (response->exchange->status == 200) {
        buffer_append(output, clock->ok_head, clock->ok_head_bytes);
        return;
    }
    buffer_append_span(output, SPAN("HTTP/1.1 "));
    buffer_append_u64_padded(output, response->exchange->status, 3);
    buffer_append_byte(output, ' ');
    buffer_append_span(output, status_reason(response->exchange->status));
    buffer_append_span(output, SPAN("\r\ndate: "));
    buffer_append(output, clock->date, DATE_BYTES);
    buffer_append_span(output, SPAN("\r\n"));
}

void response_field(struct response *response, struct span name, struct span value)
{
    buffer_append_span(response->output, name);
    buffer_append_span(response->output, SPAN(": "));
    buffer_append_span(response->output, value);
    buffer_append_span(response->output, SPAN("\r\n"));
}

void response_end_head(struct buffer *output, const struct exchange *exchange)
{
    if (!exchange->keep_alive) {
        buffer_append_span(output, SPAN("connection: close\r\n\r\n"));
    } else if (exchange->minor_version == 0) {
        buffer_append_span(output, SPAN("connection: keep-alive\r\n\r\n"));
    } else {
        buffer_append_span(output, SPAN("\r\n"));
    }
}

void response_finish(struct response *response, struct span content)
{
    struct exchange *exchange = response->exchange;
    buffer_append_span(response->output, SPAN("content-length: "));
    buffer_append_u64(response->output, content.length);
    buffer_append_span(response->output, SPAN("\r\n"));
    response_end_head(response->output, exchange);
    if (exchange->method != METHOD_HEAD) {
        buffer_append_span(response->output, content);
        exchange->content_bytes = content.length;
    }
}

void response_finish_without_content(struct response *response)
{
    response_end_head(response->output, response->exchange);
}

void response_finish_with_source(struct response *response, struct content_source source)
{
    response->exchange->source = source;
}

/* What is cut is answered by way of a source, so that other answers need not be asked about it. */
static ssize_t pull_nothing(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)context;
    (void)memory;
    (void)capacity;
    (void)pace;
    return -ECONNRESET;
}

static void close_nothing(void *context, bool whole)
{
    (void)context;
    (void)whole;
}

void response_reset(struct response *response, enum response_cut cut)
{
    response->exchange->cut = (uint8_t)cut;
    if (cut != RESPONSE_WHOLE && response->exchange->source.pull == NULL) {
        response->exchange->source =
            (struct content_source){.pull = pull_nothing, .close = close_nothing};
    }
}

void response_plain_text(struct response *response, struct span text)
{
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
    response_finish(response, text);
}

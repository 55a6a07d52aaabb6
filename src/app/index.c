#include "app/index.h"

#include "app/field_copy.h"
#include "base/clock.h"
#include "http/response.h"

void index_begin(struct app_worker *worker, struct exchange *exchange,
                 const struct request *request, struct buffer *keep)
{
    (void)worker;
    (void)exchange;
    field_copy_all(request, keep);
}

void index_respond(struct app_worker *worker, struct exchange *exchange, struct response *response)
{
    const struct app *app = worker->app;
    uint64_t delay_ns = exchange->delay_ns > 0 ? (uint64_t)exchange->delay_ns : 0;
    uint64_t delay_ms = delay_ns / (uint64_t)NS_PER_MS;
    response_start(response);
    buffer_append(response->output, app->index_fields, app->index_fields_bytes);
    buffer_append_span(response->output, exchange->kept);
    buffer_append_span(response->output, SPAN("server-timing: delay;dur="));
    buffer_append_u64(response->output, delay_ms);
    buffer_append_byte(response->output, '.');
    buffer_append_u64_padded(response->output, delay_ns % (uint64_t)NS_PER_MS, 6);
    if (exchange->drew) {
        buffer_append_span(response->output, SPAN(", draw;desc=\""));
        if (UNLIKELY(exchange->rule == RULE_BOOK_NO_SLOT)) {
            buffer_append_span(response->output, SPAN("request ")); /* one that it asked for */
        }
        buffer_append_u64(response->output, exchange->ordinal);
        buffer_append_byte(response->output, '"');
    }
    buffer_append_span(response->output, SPAN("\r\n"));

    char memory[64];
    struct buffer content = buffer_over(memory, sizeof memory);
    buffer_append_span(&content, SPAN("<h1>"));
    buffer_append_u64(&content, delay_ms);
    buffer_append_span(&content, SPAN("</h1>"));
    response_finish(response, buffer_span(&content));
}

#include "app/echo.h"

#include "app/asking.h"
#include "app/effect.h"
#include "app/json_writer.h"
#include "base/assert.h"
#include "base/block_pool.h"

/* With the body, each byte of which may be written as six, all must fit into a block. */
#define BODY_TEXT_MAX_BYTES (6 * ECHO_MAX_BODY_BYTES + 64)
#define TEXT_MAX_BYTES (BLOCK_POOL_CHUNK_BYTES - 8192)

static bool is_first_of_its_name(const struct request *request, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (span_equals_ignoring_case(request->fields[i].name, request->fields[index].name)) {
            return false;
        }
    }
    return true;
}

/* Each name as it was sent first, with the values of all fields of that name. */
static void put_fields(struct json_writer *json, const struct request *request)
{
    json_name(json, "headers");
    json_open(json, '{');
    for (uint32_t i = 0; i < request->field_count; i++) {
        if (!is_first_of_its_name(request, i)) {
            continue;
        }
        json_text(json, request->fields[i].name);
        buffer_append_byte(json->out, ':');
        json->comma = false;
        json_open(json, '[');
        for (uint32_t k = i; k < request->field_count; k++) {
            if (span_equals_ignoring_case(request->fields[k].name, request->fields[i].name)) {
                json_text(json, request->fields[k].value);
            }
        }
        json_close(json, ']');
    }
    json_close(json, '}');
}

/* Refuses what would become too long. */
static bool fits(struct exchange *exchange, struct buffer *keep, size_t max_bytes)
{
    if (keep->overflowed || keep->length > max_bytes) {
        asking_refuse(exchange, keep, 431, "the head is too large to be repeated as JSON");
        return false;
    }
    return true;
}

void headers_begin(struct app_worker *worker, struct exchange *exchange,
                   const struct request *request, struct buffer *keep)
{
    (void)worker;
    struct json_writer json = {.out = keep};
    json_open(&json, '{');
    put_fields(&json, request);
    json_close(&json, '}');
    buffer_append_byte(keep, '\n');
    (void)fits(exchange, keep, TEXT_MAX_BYTES);
}

/* Answers with JSON that is in `kept`. */
static void respond_json(struct app_worker *worker, struct exchange *exchange,
                         struct response *response)
{
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("application/json"));
    response_field(response, SPAN("x-content-type-options"), SPAN("nosniff"));
    effect_finish(worker, response,
                  &(struct content_plan){.kind = CONTENT_KEPT, .length = exchange->kept.length});
}

void headers_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response)
{
    respond_json(worker, exchange, response);
}

void echo_begin(struct app_worker *worker, struct exchange *exchange, const struct request *request,
                struct buffer *keep)
{
    (void)worker;
    size_t start = keep->length;
    uint32_t text_bytes = 0;
    buffer_append(keep, &text_bytes, sizeof text_bytes);
    struct json_writer json = {.out = keep};
    json_open(&json, '{');
    json_name(&json, "method");
    json_text(&json, request->method_name);
    json_name(&json, "path");
    json_text(&json, request->path);
    json_name(&json, "query");
    json_text(&json, request->query);
    json_name(&json, "version");
    json_text(&json, request->minor_version == 0 ? SPAN("1.0") : SPAN("1.1"));
    put_fields(&json, request);
    json_name(&json, "body");
    if (!fits(exchange, keep, TEXT_MAX_BYTES - BODY_TEXT_MAX_BYTES)) {
        return;
    }
    text_bytes = (uint32_t)(keep->length - start - sizeof text_bytes);
    memcpy(keep->data + start, &text_bytes, sizeof text_bytes);
    if (request->chunked || request->content_length > ECHO_MAX_BODY_BYTES) {
        exchange->body_room = ECHO_MAX_BODY_BYTES;
    } else {
        exchange->body_room = (uint32_t)request->content_length;
    }
}

void echo_respond(struct app_worker *worker, struct exchange *exchange, struct response *response)
{
    uint32_t text_bytes = 0;
    ASSERT(exchange->kept.length >= sizeof text_bytes);
    memcpy(&text_bytes, exchange->kept.data, sizeof text_bytes);
    struct span kept = span_after(exchange->kept, sizeof text_bytes);
    struct buffer text = buffer_over(worker->scratch, APP_SCRATCH_BYTES);
    buffer_append(&text, kept.data, text_bytes);
    struct json_writer json = {.out = &text};
    json_text(&json, span_after(kept, text_bytes));
    json_name(&json, "body_cut");
    json_bool(&json, exchange->body_cut);
    json_close(&json, '}');
    buffer_append_byte(&text, '\n');
    ASSERT(!text.overflowed);
    exchange->kept = buffer_span(&text);
    respond_json(worker, exchange, response);
}

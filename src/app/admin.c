#include "app/admin.h"

#include "http/response.h"

#include <errno.h>

/* Longer ones are not repeated: an answer has only so much room. */
#define LAW_SHOWN_BYTES 1024

bool admin_is_authorized(struct span authorization, const char *token)
{
    static const struct span scheme = {"bearer", 6};
    if (authorization.length <= scheme.length || authorization.data[scheme.length] != ' ' ||
        !span_equals_ignoring_case(span_of(authorization.data, scheme.length), scheme)) {
        return false;
    }
    struct span given = span_trim(span_after(authorization, scheme.length));
    size_t length = strlen(token);
    /* Every byte that was given is compared with one of the token's, equal or not. */
    unsigned char difference = given.length != length;
    for (size_t i = 0; i < given.length; i++) {
        difference |= (unsigned char)(given.data[i] ^ token[i % length]);
    }
    return difference == 0;
}

void admin_begin_delay(struct app_worker *worker, struct exchange *exchange,
                       const struct request *request, struct buffer *keep)
{
    (void)keep;
    const char *token = worker->app->settings.admin_token;
    struct span authorization = request_find(request, SPAN("authorization"));
    if (token == NULL) {
        exchange->status = 403;
    } else if (!admin_is_authorized(authorization, token)) {
        exchange->status = 401;
    } else {
        exchange->body_room = LAW_TEXT_MAX_BYTES + 1;
    }
}

static void respond_text(struct exchange *exchange, struct response *response, uint16_t status,
                         const char *text)
{
    char memory[PARSE_ERROR_MESSAGE_BYTES + 1];
    struct buffer line = buffer_over(memory, sizeof memory);
    buffer_append_span(&line, span_from_string(text));
    buffer_append_byte(&line, '\n');
    exchange->status = status;
    response_plain_text(response, buffer_span(&line));
}

static void change_law(struct app *app, struct exchange *exchange, struct response *response)
{
    struct law_limits limits = {.max_delay_ns = app->settings.max_delay_ns};
    struct parse_error error;
    struct law *law = NULL;
    if (exchange->kept.length > LAW_TEXT_MAX_BYTES) {
        respond_text(exchange, response, 400, "a law is not that long");
        return;
    }
    int result = law_parse(exchange->kept, &limits, &law, &error);
    if (result == -EINVAL) {
        respond_text(exchange, response, 400, error.message);
        return;
    }
    result = result == 0 ? app_replace_law(app, law) : result;
    if (result != 0) {
        respond_text(exchange, response, 503,
                     result == -EBUSY ? "requests are still waiting under too many former laws"
                                      : "no memory for another law");
    } else {
        char memory[LAW_SHOWN_BYTES];
        struct buffer text = buffer_over(memory, sizeof memory);
        buffer_append_law(&text, law);
        buffer_append_byte(&text, '\n');
        response_plain_text(response, text.overflowed ? SPAN("changed\n") : buffer_span(&text));
    }
    law_free(law);
}

void admin_respond_delay(struct app_worker *worker, struct exchange *exchange,
                         struct response *response)
{
    switch (exchange->status) {
    case 403:
        respond_text(exchange, response, 403, "runtime changes are off: see --admin");
        break;
    case 401:
        response_start(response);
        response_field(response, SPAN("www-authenticate"), SPAN("Bearer"));
        response_field(response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
        response_finish(response, SPAN("the token of --admin is needed: authorization: Bearer "
                                       "TOKEN\n"));
        break;
    default:
        change_law(worker->app, exchange, response);
    }
}

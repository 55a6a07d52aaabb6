#include "app/asked_routes.h"

#include "app/effect.h"
#include "app/query.h"
#include "base/assert.h"
#include "base/quantity.h"

#define DRIP_DEFAULT_BYTES SPAN("10")
#define DRIP_DEFAULT_DURATION SPAN("2s")
#define DRIP_DEFAULT_DELAY SPAN("2s")

/* What the rest of the path behind the route's prefix asks for. */
static int ask_by_path(struct app_worker *worker, enum route route, const struct request *request,
                       enum wish_kind kind, struct wish *wish, struct parse_error *error)
{
    char memory[WISH_VALUE_MAX_BYTES];
    struct buffer value = buffer_over(memory, sizeof memory);
    struct span rest = span_after(request->path, route_at(route)->prefix.length);
    int result = query_decode(rest, &value, error);
    if (result != 0) {
        return result;
    }
    if (value.overflowed) {
        return parse_error_set(error, 0, "%s: it is too long", wish_name(kind).data);
    }
    return wish_add(wish, kind, buffer_span(&value), &worker->app->settings.wishes, &worker->laws,
                    error);
}

int delay_ask(struct app_worker *worker, const struct request *request, struct wish *wish,
              struct parse_error *error)
{
    return ask_by_path(worker, ROUTE_DELAY, request, WISH_DELAY, wish, error);
}

int status_ask(struct app_worker *worker, const struct request *request, struct wish *wish,
               struct parse_error *error)
{
    return ask_by_path(worker, ROUTE_STATUS, request, WISH_STATUS, wish, error);
}

/* Statuses that say that all went well; the others are answered like any that was asked for. */
void status_respond(struct app_worker *worker, struct exchange *exchange, struct response *response)
{
    (void)worker;
    char memory[128];
    struct buffer text = buffer_over(memory, sizeof memory);
    effect_append_reason(&text, exchange->status, true);
    response_plain_text(response, buffer_span(&text));
}

static int find_seed(const struct request *request, uint64_t *ret_seed, struct parse_error *error)
{
    char memory[64];
    struct buffer value = buffer_over(memory, sizeof memory);
    bool found = false;
    *ret_seed = 0;
    int result = query_find(request->query, SPAN("seed"), &value, &found, error);
    if (result == 0 && found && count_parse(buffer_span(&value), ret_seed, NULL) != 0) {
        return parse_error_set(error, 0, "seed: it is no whole number");
    }
    return result;
}

int bytes_ask(struct app_worker *worker, const struct request *request, struct wish *wish,
              struct parse_error *error)
{
    uint64_t seed = 0;
    int result = find_seed(request, &seed, error);
    return result != 0 ? result : ask_by_path(worker, ROUTE_BYTES, request, WISH_SIZE, wish, error);
}

void bytes_begin(struct app_worker *worker, struct exchange *exchange,
                 const struct request *request, struct buffer *keep)
{
    (void)worker;
    (void)exchange;
    uint64_t seed = 0;
    int result = find_seed(request, &seed, NULL);
    ASSERT(result == 0); /* bytes_ask() has seen it */
    buffer_append(keep, &seed, sizeof seed);
}

void bytes_respond(struct app_worker *worker, struct exchange *exchange, struct response *response)
{
    struct content_plan plan = {.kind = CONTENT_RANDOM};
    memcpy(&plan.seed, exchange->kept.data, sizeof plan.seed);
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("application/octet-stream"));
    effect_finish(worker, response, &plan);
}

/* A parameter of the route's own, or what it is without one. */
static int add_parameter(struct app_worker *worker, const struct request *request,
                         struct span parameter, struct span otherwise, enum wish_kind kind,
                         struct wish *wish, struct parse_error *error)
{
    char memory[WISH_VALUE_MAX_BYTES];
    struct buffer value = buffer_over(memory, sizeof memory);
    bool found = false;
    int result = query_find(request->query, parameter, &value, &found, error);
    if (result != 0) {
        return result;
    }
    struct span text = found ? buffer_span(&value) : otherwise;
    struct parse_error reason = {0};
    result = wish_add(wish, kind, text, &worker->app->settings.wishes, &worker->laws, &reason);
    if (result == 0) {
        return 0;
    }
    const char *colon = strchr(reason.message, ':');
    parse_error_set(error, 0, "%s%s", parameter.data, colon == NULL ? "" : colon);
    return result;
}

static int find_code(const struct request *request, uint16_t *ret_code, struct parse_error *error)
{
    char memory[16];
    struct buffer value = buffer_over(memory, sizeof memory);
    bool found = false;
    *ret_code = 200;
    int result = query_find(request->query, SPAN("code"), &value, &found, error);
    uint64_t code = 200;
    if (result != 0 || !found) {
        return result;
    }
    if (count_parse(buffer_span(&value), &code, NULL) != 0 || code < 200 || code > 599 ||
        code == 204 || code == 205 || code == 304 || code == 444 || code == 499) {
        return parse_error_set(error, 0, "code: it is no status that has content, 200 to 599");
    }
    *ret_code = (uint16_t)code;
    return 0;
}

int drip_ask(struct app_worker *worker, const struct request *request, struct wish *wish,
             struct parse_error *error)
{
    uint16_t code = 0;
    int result = find_code(request, &code, error);
    wish->taken = 1U << WISH_DELAY;
    if (result == 0) {
        result = add_parameter(worker, request, SPAN("duration"), DRIP_DEFAULT_DURATION, WISH_DRIP,
                               wish, error);
    }
    if (result == 0) {
        result = add_parameter(worker, request, SPAN("numbytes"), DRIP_DEFAULT_BYTES, WISH_SIZE,
                               wish, error);
    }
    if (result == 0) {
        result = add_parameter(worker, request, SPAN("delay"), DRIP_DEFAULT_DELAY, WISH_DELAY, wish,
                               error);
    }
    return result;
}

void drip_begin(struct app_worker *worker, struct exchange *exchange, const struct request *request,
                struct buffer *keep)
{
    (void)worker;
    (void)keep;
    uint16_t code = 0;
    int result = find_code(request, &code, NULL);
    ASSERT(result == 0); /* drip_ask() has seen it */
    if (exchange->status == 200) {
        exchange->status = code;
    }
}

void drip_respond(struct app_worker *worker, struct exchange *exchange, struct response *response)
{
    (void)exchange;
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("application/octet-stream"));
    effect_finish(worker, response, &(struct content_plan){.kind = CONTENT_STARS});
}

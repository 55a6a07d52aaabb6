#include "app/app.h"

#include "app/asking.h"
#include "app/effect.h"
#include "app/trace_context.h"
#include "base/reserve.h"
#include "http/response.h"
#include "http/status.h"

#include <errno.h>

/* The rules of a program, or, without one, that of the law for `/` alone. */
static int init_rules(struct app *app)
{
    struct rule_program program = {0};
    if (app->settings.program != NULL) {
        program = *app->settings.program;
        *app->settings.program = (struct rule_program){0};
    } else {
        rule_definition_of_index(&program.index, app->settings.law);
    }
    struct rule_book_settings settings = {
        .truth = app->truth.truth,
        .started = app->truth.started,
        .seed_key = app->settings.seed_key,
        .first_slot = app->truth.first_rule_slot,
        .former_slot = app->truth.former_slot,
    };
    return rule_book_init(&app->rules, &settings, &program);
}

int app_init(struct app *app, const struct app_settings *settings, struct meter_error *error)
{
    *app = (struct app){.settings = *settings};
    struct buffer fields = buffer_over(app->index_fields, sizeof app->index_fields);
    buffer_append_span(&fields, SPAN("content-type: text/html; charset=utf-8\r\nversion: "));
    buffer_append_span(&fields, span_from_string(settings->identity.version));
    buffer_append_span(&fields, SPAN("\r\n"));
    app->index_fields_bytes = fields.length;
    int result = app_truth_init(&app->truth);
    if (result == 0) {
        result = init_rules(app);
    }
    if (result == 0) {
        app->live = live_new(app);
        result = app->live == NULL ? -ENOMEM : 0;
    }
    if (result != 0) {
        return result;
    }
    return app_metrics_register(&app->metrics, settings->meter, &app->rules, &settings->identity,
                                error);
}

void app_destroy(struct app *app)
{
    live_free(app->live);
    app->live = NULL;
    rule_book_destroy(&app->rules);
    app_truth_destroy(&app->truth);
}

int app_replace_rules(struct app *app, struct rule_program *program)
{
    return rule_book_load(&app->rules, program);
}

int app_replace_law(struct app *app, struct law *law)
{
    return rule_book_set_law(&app->rules, law);
}

int app_worker_init(struct app_worker *worker, struct app *app, uint32_t connections)
{
    *worker = (struct app_worker){.app = app};
    worker->scratch = reserve_memory(APP_SCRATCH_BYTES);
    if (worker->scratch == NULL || contents_init(&worker->contents, connections) != 0) {
        return -ENOMEM;
    }
    worker->counts = app_metrics_add_worker(&app->metrics);
    worker->truth = worker->counts == NULL ? NULL : truth_add_worker(app->truth.truth);
    if (worker->truth != NULL) {
        rule_book_add_reader(&app->rules, &worker->rules);
    }
    return worker->truth == NULL ? -ENOMEM : 0;
}

void app_worker_destroy(struct app_worker *worker)
{
    request_counts_free(worker->counts);
    contents_destroy(&worker->contents);
    wish_laws_clear(&worker->laws);
    reserve_free(worker->scratch, APP_SCRATCH_BYTES);
    worker->counts = NULL;
    worker->scratch = NULL;
}

/* What is answered without a handler: 404, 405, and OPTIONS. */
static uint16_t status_for(enum route route, const struct request *request)
{
    if (request->asterisk) {
        return 204;
    }
    if (route == ROUTE_OTHER) {
        return 404;
    }
    if ((route_at(route)->methods & METHOD_BIT(request->method)) == 0) {
        return 405;
    }
    return request->method == METHOD_OPTIONS ? 204 : 200;
}

void app_choose(struct app_worker *worker, struct exchange *exchange, const struct request *request,
                struct outcome *outcome)
{
    if (rule_book_choose(&worker->app->rules, &worker->rules, exchange->route == ROUTE_INDEX,
                         request, outcome)) {
        exchange->rule = (uint8_t)outcome->rule;
    }
}

/* What the rules say, for a request that asks for nothing itself. */
static inline void choose(struct app_worker *worker, struct exchange *exchange,
                          const struct request *request, struct buffer *keep)
{
    struct effect effect;
    struct outcome *outcome = &effect.outcome;
    if (!rule_book_choose(&worker->app->rules, &worker->rules, exchange->route == ROUTE_INDEX,
                          request, outcome)) {
        return;
    }
    exchange->rule = (uint8_t)outcome->rule;
    exchange->delay_ns = outcome->delay_ns;
    exchange->ordinal = outcome->ordinal;
    exchange->drew = outcome->drew;
    if (UNLIKELY(!effect_is_none(outcome))) {
        effect.asked = false;
        effect_begin(exchange, &effect, keep);
    }
}

void app_begin(void *context, struct exchange *exchange, const struct request *request,
               struct buffer *keep)
{
    struct app_worker *worker = context;
    const struct app_settings *settings = &worker->app->settings;
    unsigned surfaces =
        settings->admin_everywhere ? SURFACE_PUBLIC | SURFACE_ADMIN : exchange->surface;
    enum route route = route_find(request->path, surfaces);
    client_address_find(request, &settings->trusted, &exchange->client);
    exchange->route = (uint8_t)route;
    exchange->status = status_for(route, request);
    exchange->refused = exchange->status != 200;
    struct trace_context trace;
    if (UNLIKELY(request->traceparent.length > 0) &&
        trace_context_parse(request->traceparent, &trace)) {
        exchange->traceparent = request->traceparent;
    }
    if (exchange->refused) {
        return;
    }
    const struct route_entry *entry = route_at(route);
    if ((entry->surfaces & SURFACE_PUBLIC) != 0) {
        if (LIKELY(!asking_may(worker->app, entry, request))) {
            choose(worker, exchange, request, keep);
        } else if (!asking_begin(worker, exchange, request, keep)) {
            return;
        }
    }
    if (entry->begin != NULL) {
        entry->begin(worker, exchange, request, keep);
    }
}

static void respond_without_handler(struct exchange *exchange, struct response *response)
{
    enum route route = exchange->route;
    response_start(response);
    if (exchange->kept.length > 0) { /* whoever refused it said why */
        response_field(response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
        response_finish(response, exchange->kept);
        return;
    }
    if (exchange->status == 404) {
        response_field(response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
        response_finish(response, SPAN("there is nothing at this path\n"));
        return;
    }
    char memory[128];
    struct buffer methods = buffer_over(memory, sizeof memory);
    route_append_methods(route == ROUTE_OTHER ? ROUTE_INDEX : route, &methods);
    response_field(response, SPAN("allow"), buffer_span(&methods));
    if (exchange->status == 405) {
        response_field(response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
        response_finish(response, SPAN("this path does not have this method: see allow\n"));
    } else {
        response_finish_without_content(response);
    }
}

void app_respond(void *context, struct exchange *exchange, struct response *response)
{
    if (exchange->refused) {
        respond_without_handler(exchange, response);
    } else if (UNLIKELY(exchange->shaped)) {
        effect_respond(context, exchange, response);
    } else {
        route_at(exchange->route)->respond(context, exchange, response);
    }
}

void app_complete(void *context, const struct completion *completion)
{
    struct app_worker *worker = context;
    const struct exchange *exchange = completion->exchange;
    request_counts_add(worker->counts, exchange);
    if (exchange->rule != RULE_BOOK_NO_SLOT) {
        rule_book_end(&worker->app->rules, &worker->rules, exchange->rule);
    }
    if (exchange->refused || exchange->status == STATUS_CLIENT_CLOSED_REQUEST ||
        exchange->status == STATUS_RESET || !route_at(exchange->route)->measured) {
        return;
    }
    app_metrics_observe(&worker->app->metrics, completion);
    app_truth_record(&worker->app->truth, worker->truth, completion);
}

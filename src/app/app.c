#include "app/app.h"

#include "app/trace_context.h"
#include "http/response.h"
#include "http/status.h"

#include <errno.h>

int app_init(struct app *app, const struct app_settings *settings, struct meter_error *error)
{
    *app = (struct app){.settings = *settings};
    rule_init(&app->index_rule, settings->law, settings->seed_key, DRAW_DEFAULT_RULE);
    struct buffer fields = buffer_over(app->index_fields, sizeof app->index_fields);
    buffer_append_span(&fields, SPAN("content-type: text/html; charset=utf-8\r\nversion: "));
    buffer_append_span(&fields, span_from_string(settings->identity.version));
    buffer_append_span(&fields, SPAN("\r\n"));
    app->index_fields_bytes = fields.length;
    int result = app_truth_init(&app->truth);
    if (result != 0) {
        return result;
    }
    return app_metrics_register(&app->metrics, settings->meter, settings->law, &settings->identity,
                                error);
}

void app_destroy(struct app *app)
{
    app_truth_destroy(&app->truth);
}

int app_worker_init(struct app_worker *worker, struct app *app)
{
    *worker = (struct app_worker){.app = app};
    worker->counts = app_metrics_add_worker(&app->metrics);
    worker->truth = worker->counts == NULL ? NULL : truth_add_worker(app->truth.truth);
    return worker->truth == NULL ? -ENOMEM : 0;
}

void app_worker_destroy(struct app_worker *worker)
{
    request_counts_free(worker->counts);
    worker->counts = NULL;
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
    if (!exchange->refused && route_at(route)->begin != NULL) {
        route_at(route)->begin(worker, exchange, request, keep);
    }
}

static void respond_without_handler(struct exchange *exchange, struct response *response)
{
    enum route route = exchange->route;
    response_start(response);
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
    } else {
        route_at(exchange->route)->respond(context, exchange, response);
    }
}

void app_complete(void *context, const struct completion *completion)
{
    const struct app_worker *worker = context;
    const struct exchange *exchange = completion->exchange;
    request_counts_add(worker->counts, exchange);
    if (exchange->refused || exchange->status == STATUS_CLIENT_CLOSED_REQUEST ||
        !route_at(exchange->route)->measured) {
        return;
    }
    app_metrics_observe(&worker->app->metrics, completion);
    app_truth_record(&worker->app->truth, worker->truth, completion);
}

#include "app/health.h"

#include "http/response.h"

void health_respond_live(struct app_worker *worker, struct exchange *exchange,
                         struct response *response)
{
    (void)worker;
    (void)exchange;
    response_plain_text(response, SPAN("ok"));
}

void health_begin_ready(struct app_worker *worker, struct exchange *exchange,
                        const struct request *request, struct buffer *keep)
{
    (void)request;
    (void)keep;
    bool ready = atomic_load_explicit(&worker->app->ready, memory_order_relaxed);
    exchange->status = ready ? 200 : 503;
}

void health_respond_ready(struct app_worker *worker, struct exchange *exchange,
                          struct response *response)
{
    (void)worker;
    response_plain_text(response,
                        exchange->status == 200 ? SPAN("ok") : SPAN("starting or draining\n"));
}

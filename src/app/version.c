#include "app/version.h"

#include "http/response.h"

void version_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response)
{
    (void)exchange;
    response_plain_text(response, span_from_string(worker->app->settings.identity.version));
}

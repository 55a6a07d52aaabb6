/*
 * Requests that ask for something themselves: from the first look to the note for the answer.
 */
#pragma once

#include "app/app.h"
#include "app/wish.h"

/* Whether the request has to be looked at more closely. */
static inline bool asking_may(const struct app *app, const struct route_entry *route,
                              const struct request *request)
{
    return route->ask != NULL ||
           (app->settings.request_faults && (request->query.length > 0 || request->has_x_field));
}

/*
 * What the rules and the request itself want to happen. False when the request is refused: then
 * exchange and `keep` say why.
 */
COLD bool asking_begin(struct app_worker *worker, struct exchange *exchange,
                       const struct request *request, struct buffer *keep);

/* Ends a request that its route cannot answer with a status and a line that says why. */
COLD void asking_refuse(struct exchange *exchange, struct buffer *keep, uint16_t status,
                        const char *reason);

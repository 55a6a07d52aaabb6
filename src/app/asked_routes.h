/*
 * Routes whose path says what is to happen, in httpbin's habits: /delay/LAW, /status/CODE,
 * /bytes/N and /drip. docs/http.md says what they answer.
 */
#pragma once

#include "app/app.h"
#include "app/wish.h"

/* What the path and the route's own parameters ask for. As wish_add(). */
WARN_UNUSED int delay_ask(struct app_worker *worker, const struct request *request,
                          struct wish *wish, struct parse_error *error);
WARN_UNUSED int status_ask(struct app_worker *worker, const struct request *request,
                           struct wish *wish, struct parse_error *error);
WARN_UNUSED int bytes_ask(struct app_worker *worker, const struct request *request,
                          struct wish *wish, struct parse_error *error);
WARN_UNUSED int drip_ask(struct app_worker *worker, const struct request *request,
                         struct wish *wish, struct parse_error *error);

void status_respond(struct app_worker *worker, struct exchange *exchange,
                    struct response *response);
void bytes_begin(struct app_worker *worker, struct exchange *exchange,
                 const struct request *request, struct buffer *keep);
void bytes_respond(struct app_worker *worker, struct exchange *exchange, struct response *response);
void drip_begin(struct app_worker *worker, struct exchange *exchange, const struct request *request,
                struct buffer *keep);
void drip_respond(struct app_worker *worker, struct exchange *exchange, struct response *response);

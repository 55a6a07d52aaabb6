/*
 * `/headers` and `/echo`: what the server has read of a request, as JSON.
 */
#pragma once

#include "app/app.h"

#define ECHO_MAX_BODY_BYTES 4096u /* of the body that is repeated */

void headers_begin(struct app_worker *worker, struct exchange *exchange,
                   const struct request *request, struct buffer *keep);
void headers_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response);
void echo_begin(struct app_worker *worker, struct exchange *exchange, const struct request *request,
                struct buffer *keep);
void echo_respond(struct app_worker *worker, struct exchange *exchange, struct response *response);

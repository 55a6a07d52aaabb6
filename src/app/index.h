/*
 * `/`: waits for a delay of the law, then answers with it, and with the request's fields.
 */
#pragma once

#include "app/app.h"

void index_begin(struct app_worker *worker, struct exchange *exchange,
                 const struct request *request, struct buffer *keep);
void index_respond(struct app_worker *worker, struct exchange *exchange, struct response *response);

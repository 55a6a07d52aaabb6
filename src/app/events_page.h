/*
 * /events: the live feed (live.h) as a stream of server-sent events (WHATWG HTML, section 9.2).
 */
#pragma once

#include "app/app.h"

void events_page_begin(struct app_worker *worker, struct exchange *exchange,
                       const struct request *request, struct buffer *keep);
void events_page_respond(struct app_worker *worker, struct exchange *exchange,
                         struct response *response);

/*
 * /metrics: the page that Prometheus scrapes, in the format that Accept asks for, compressed when
 * Accept-Encoding allows it. It is made piece by piece while it is sent, so that a large page
 * neither needs memory nor keeps requests waiting.
 */
#pragma once

#include "app/app.h"

void metrics_page_begin(struct app_worker *worker, struct exchange *exchange,
                        const struct request *request, struct buffer *keep);
void metrics_page_respond(struct app_worker *worker, struct exchange *exchange,
                          struct response *response);

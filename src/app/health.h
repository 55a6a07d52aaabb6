/*
 * The probes: /healthz and /livez say that the process answers, /readyz that it wants requests.
 * They are never delayed and never faulted.
 */
#pragma once

#include "app/app.h"

void health_respond_live(struct app_worker *worker, struct exchange *exchange,
                         struct response *response);
void health_begin_ready(struct app_worker *worker, struct exchange *exchange,
                        const struct request *request, struct buffer *keep);
void health_respond_ready(struct app_worker *worker, struct exchange *exchange,
                          struct response *response);

/*
 * /truth: what really happened, as docs/truth.md says. The answer is made piece by piece while it
 * is sent.
 */
#pragma once

#include "app/app.h"

void truth_page_begin(struct app_worker *worker, struct exchange *exchange,
                      const struct request *request, struct buffer *keep);
void truth_page_respond(struct app_worker *worker, struct exchange *exchange,
                        struct response *response);

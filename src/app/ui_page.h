/*
 * /ui/: the live page and the files that it consists of, and /ui/server.json, which tells it what
 * it shows. docs/live-page.md describes it.
 */
#pragma once

#include "app/app.h"

void ui_page_begin(struct app_worker *worker, struct exchange *exchange,
                   const struct request *request, struct buffer *keep);
void ui_page_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response);

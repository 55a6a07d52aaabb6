/*
 * /ui/server.json: what the live page needs to know of the server, which does not change every
 * second. docs/live-page.md has the members.
 */
#pragma once

#include "app/app.h"

/* So many are made at one time, over all workers, each with some 90 KiB; more are answered 503. */
#define UI_SERVER_MAX_ANSWERS 16

void ui_server_respond(struct app *app, struct exchange *exchange, struct response *response);

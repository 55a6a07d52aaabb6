/*
 * Runtime changes: POST /admin/delay with a law as its body changes the law of `/`. Only with the
 * token of the operator, in `authorization: Bearer TOKEN` (RFC 6750): a field that no page of
 * another origin can send without having asked, and no link at all.
 */
#pragma once

#include "app/app.h"

void admin_begin_delay(struct app_worker *worker, struct exchange *exchange,
                       const struct request *request, struct buffer *keep);
void admin_respond_delay(struct app_worker *worker, struct exchange *exchange,
                         struct response *response);

/* Whether the field's value names the token; takes as long whether it does or not. Pure. */
bool admin_is_authorized(struct span authorization, const char *token);

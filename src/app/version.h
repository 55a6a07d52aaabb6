/*
 * /version: the version that the environment gave, else the build's.
 */
#pragma once

#include "app/app.h"

void version_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response);

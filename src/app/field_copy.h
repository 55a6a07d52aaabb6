/*
 * Which of a request's fields the answer to `/` repeats: all but those that would mean something
 * else, or something harmful, in a response. docs/http.md lists them with the reasons.
 * Pure functions; any thread.
 */
#pragma once

#include "base/buffer.h"
#include "http/request.h"

/* Whether a field of that name may be repeated, as far as the name alone tells. */
bool field_may_be_copied(struct span name);

/*
 * Appends the request's field lines as lines of a response, as they were sent: the first of each
 * name, without those that must not be copied and those that Connection names.
 */
void field_copy_all(const struct request *request, struct buffer *output);

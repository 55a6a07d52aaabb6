/*
 * JSON answers and what is read from them. Nothing in an answer is trusted: a member that is not
 * there, or of another type, reads as an empty text or NaN, never as a fault. The json_t are
 * jansson's (https://jansson.readthedocs.io), owned as each function says. One thread at a time.
 */
#pragma once

#include "base/compiler.h"
#include "verify/http_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * GET and parse: *ret_document is the caller's (json_decref). A status other than 200 is a
 * failure unless the body is JSON and `any_status`. Negative errno with one line in `error`; the
 * answer's status in *ret_status, 0 when there was none.
 */
int answer_fetch(const struct url *url, const char *target, const struct http_client_limits *limits,
                 bool any_status, json_t **ret_document, struct http_answer *ret_answer,
                 char error[HTTP_CLIENT_ERROR_BYTES]) WARN_UNUSED;

/* The text of a member; "" without one. Lives as long as the object. */
const char *answer_text(const json_t *object, const char *name);

/* The number of a member, or of a text such as "+Inf" that holds one whole; else NaN. */
double answer_number(const json_t *object, const char *name);
double answer_number_of(const json_t *value);
double answer_number_from_text(const char *text);

/* A member that is an array or an object; NULL otherwise (jansson's calls take NULL). Borrowed. */
json_t *answer_member(const json_t *object, const char *name);

/* Whether every label of `part`, an object of texts, is in `whole` with the same value. */
bool answer_labels_include(const json_t *whole, json_t *part);

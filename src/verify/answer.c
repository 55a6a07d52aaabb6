#include "verify/answer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The first line of what a server answered besides 200, fit for a message. */
static void append_excerpt(char *error, size_t length, const struct http_answer *answer)
{
    if (answer->body == NULL || answer->body_bytes == 0 || length >= HTTP_CLIENT_ERROR_BYTES) {
        return;
    }
    struct buffer line = buffer_over(error + length, HTTP_CLIENT_ERROR_BYTES - length - 1);
    size_t bytes = strcspn(answer->body, "\r\n");
    buffer_append_span(&line, SPAN(": "));
    buffer_append_printable(&line, span_of(answer->body, bytes), 100);
    error[length + line.length] = '\0';
}

static int refuse_answer(const struct url *url, const char *target, const char *reason,
                         const struct http_answer *answer, char *error)
{
    int path = (int)strcspn(target, "?");
    int length = snprintf(error, HTTP_CLIENT_ERROR_BYTES, "http://%s%s%.*s: %s", url->authority,
                          url->prefix, path, target, reason);
    if (length > 0) {
        append_excerpt(error, (size_t)length, answer);
    }
    return -EPROTO;
}

int answer_fetch(const struct url *url, const char *target, const struct http_client_limits *limits,
                 bool any_status, json_t **ret_document, struct http_answer *ret_answer,
                 char error[HTTP_CLIENT_ERROR_BYTES])
{
    *ret_document = NULL;
    int result = http_get(url, target, limits, ret_answer, error);
    if (result < 0) {
        return result;
    }
    char reason[160];
    if (ret_answer->status != 200 && !any_status) {
        snprintf(reason, sizeof reason, "answered with status %u", ret_answer->status);
        result = refuse_answer(url, target, reason, ret_answer, error);
    } else {
        json_error_t why;
        *ret_document =
            json_loadb(ret_answer->body, ret_answer->body_bytes, JSON_REJECT_DUPLICATES, &why);
        if (*ret_document == NULL && ret_answer->status != 200) {
            snprintf(reason, sizeof reason, "answered with status %u", ret_answer->status);
            result = refuse_answer(url, target, reason, ret_answer, error);
        } else if (*ret_document == NULL) {
            snprintf(reason, sizeof reason, "did not answer with JSON (line %d, column %d)",
                     why.line, why.column);
            result = refuse_answer(url, target, reason, ret_answer, error);
        }
    }
    free(ret_answer->body);
    ret_answer->body = NULL;
    return result;
}

const char *answer_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

double answer_number_from_text(const char *text)
{
    char *end = NULL;
    if (text[0] == '\0' || text[0] == ' ') {
        return (double)NAN;
    }
    double value = strtod(text, &end);
    return *end == '\0' ? value : (double)NAN;
}

double answer_number_of(const json_t *value)
{
    if (json_is_number(value)) {
        return json_number_value(value);
    }
    return json_is_string(value) ? answer_number_from_text(json_string_value(value)) : (double)NAN;
}

double answer_number(const json_t *object, const char *name)
{
    return answer_number_of(json_object_get(object, name));
}

json_t *answer_member(const json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);
    return json_is_object(member) || json_is_array(member) ? member : NULL;
}

bool answer_labels_include(const json_t *whole, json_t *part)
{
    for (void *at = json_object_iter(part); at != NULL; at = json_object_iter_next(part, at)) {
        const char *wanted = json_string_value(json_object_iter_value(at));
        const char *is = json_string_value(json_object_get(whole, json_object_iter_key(at)));
        if (wanted == NULL || is == NULL || strcmp(wanted, is) != 0) {
            return false;
        }
    }
    return true;
}

#include "verify/prometheus.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TARGET_MAX_BYTES ((size_t)32768)

/* Prometheus' own error text, which is in the body of any status. */
static void take_error(struct prometheus *prometheus, const json_t *document, unsigned status)
{
    const char *why = answer_text(document, "error");
    char memory[320];
    struct buffer shown = buffer_over(memory, sizeof memory);
    buffer_append_printable(&shown, span_from_string(why), 70);
    snprintf(prometheus->error, sizeof prometheus->error,
             "http://%.100s%.100s: Prometheus answered with status %u, %s: %.*s",
             prometheus->url.authority, prometheus->url.prefix, status,
             why[0] == '\0' ? "without the data asked for" : "error", (int)shown.length, memory);
}

static json_t *ask_target(struct prometheus *prometheus, const char *target,
                          struct http_answer *answer)
{
    json_t *document = NULL;
    if (answer_fetch(&prometheus->url, target, &prometheus->limits, true, &document, answer,
                     prometheus->error) < 0) {
        return NULL;
    }
    json_t *data = answer_member(document, "data");
    if (strcmp(answer_text(document, "status"), "success") != 0 || data == NULL) {
        take_error(prometheus, document, answer->status);
        data = NULL;
    }
    json_incref(data);
    json_decref(document);
    return data;
}

json_t *prometheus_ask(struct prometheus *prometheus, const char *path)
{
    char target[256];
    struct http_answer answer;
    int length = snprintf(target, sizeof target, "/api/v1/%s", path);
    if (length < 0 || (size_t)length >= sizeof target) {
        snprintf(prometheus->error, sizeof prometheus->error, "what is asked is too long");
        return NULL;
    }
    return ask_target(prometheus, target, &answer);
}

static json_t *query(struct prometheus *prometheus, const char *expression, double at_seconds,
                     struct http_answer *answer)
{
    char *memory = malloc(TARGET_MAX_BYTES);
    struct buffer target = buffer_over(memory, TARGET_MAX_BYTES - 1);
    if (memory == NULL) {
        snprintf(prometheus->error, sizeof prometheus->error, "no memory");
        return NULL;
    }
    buffer_append_span(&target, SPAN("/api/v1/query?query="));
    buffer_append_percent_encoded(&target, span_from_string(expression));
    if (!isnan(at_seconds)) {
        char text[48];
        snprintf(text, sizeof text, "&time=%.3f", at_seconds);
        buffer_append_span(&target, span_from_string(text));
    }
    json_t *result = NULL;
    if (target.overflowed) {
        snprintf(prometheus->error, sizeof prometheus->error, "what is asked is too long");
    } else {
        memory[target.length] = '\0';
        json_t *data = ask_target(prometheus, memory, answer);
        result = answer_member(data, "result");
        if (data != NULL && !json_is_array(result)) {
            take_error(prometheus, NULL, answer->status);
            result = NULL;
        }
        json_incref(result);
        json_decref(data);
    }
    free(memory);
    return result;
}

json_t *prometheus_query(struct prometheus *prometheus, const char *expression, double at_seconds)
{
    struct http_answer answer;
    return query(prometheus, expression, at_seconds, &answer);
}

static double number_of_result(const json_t *result)
{
    const json_t *first = json_array_get(result, 0);
    if (json_is_number(first) && json_array_size(result) == 2) {
        return answer_number_of(json_array_get(result, 1));
    }
    return json_array_size(result) == 1
               ? answer_number_of(json_array_get(json_object_get(first, "value"), 1))
               : (double)NAN;
}

double prometheus_number(struct prometheus *prometheus, const char *expression, double at_seconds)
{
    json_t *result = prometheus_query(prometheus, expression, at_seconds);
    double number = number_of_result(result);
    json_decref(result);
    return number;
}

bool prometheus_clock(struct prometheus *prometheus, double *ret_offset_seconds,
                      double *ret_uncertainty_seconds)
{
    struct http_answer answer;
    json_t *result = query(prometheus, "time()", (double)NAN, &answer);
    double now = number_of_result(result);
    json_decref(result);
    if (isnan(now)) {
        return false;
    }
    double asked = (double)answer.asked_ns / (double)NS_PER_S;
    double answered = (double)answer.answered_ns / (double)NS_PER_S;
    *ret_offset_seconds = now - (asked + answered) / 2;
    *ret_uncertainty_seconds = (answered - asked) / 2 + 0.001; /* it tells milliseconds */
    return true;
}

double prometheus_duration(const char *text)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", 0.001}, {"s", 1},        {"m", 60},        {"h", 3600},
                 {"d", 86400},  {"w", 604800.0}, {"y", 31536000.0}};
    double total = 0;
    do {
        char *end = NULL;
        if (*text < '0' || *text > '9') {
            return (double)NAN;
        }
        double number = (double)strtoull(text, &end, 10); /* whole numbers only, as Prometheus */
        size_t length = strspn(end, "mshdwy");
        size_t unit = 0;
        while (unit < ARRAY_LENGTH(units) && (strlen(units[unit].name) != length ||
                                              strncmp(units[unit].name, end, length) != 0)) {
            unit++;
        }
        if (unit == ARRAY_LENGTH(units)) {
            return (double)NAN;
        }
        total += number * units[unit].seconds;
        text = end + length;
    } while (*text != '\0');
    return total;
}

/* Inside "..." of PromQL; `expression` is true for =~, where RE2's own characters are escaped. */
static void append_quoted(struct buffer *buffer, const char *text, bool expression)
{
    for (; *text != '\0'; text++) {
        if (expression && strchr("\\.+*?()|[]{}^$", *text) != NULL) {
            buffer_append_span(buffer, SPAN("\\\\"));
        }
        if (*text == '\\' || *text == '"') {
            buffer_append_byte(buffer, '\\');
        }
        if (*text == '\n') {
            buffer_append_span(buffer, SPAN("\\n"));
        } else {
            buffer_append_byte(buffer, *text);
        }
    }
}

void buffer_append_matcher(struct buffer *buffer, const char *name, const char *const *values,
                           size_t count)
{
    buffer_append_span(buffer, span_from_string(name));
    buffer_append_span(buffer, count == 1 ? SPAN("=\"") : SPAN("=~\""));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buffer_append_byte(buffer, '|');
        }
        append_quoted(buffer, values[i], count != 1);
    }
    buffer_append_byte(buffer, '"');
}

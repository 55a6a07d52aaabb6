#include "verify/testimony.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void testimony_free(struct testimony *truth)
{
    json_decref(truth->document);
    *truth = (struct testimony){0};
}

bool testimony_same_server(const struct testimony *a, const struct testimony *b)
{
    return a->started == b->started && strcmp(a->instance, b->instance) == 0 &&
           strcmp(a->seed, b->seed) == 0;
}

static bool read_numbers(const json_t *array, double *numbers, size_t max, size_t *ret_count)
{
    size_t count = json_array_size(array);
    if (count == 0 || count > max) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = answer_number_of(json_array_get(array, i));
        if (!isfinite(numbers[i]) || (i > 0 && numbers[i] < numbers[i - 1])) {
            return false;
        }
    }
    *ret_count = count;
    return true;
}

static bool read_quantiles(json_t *quantiles, struct testimony *truth)
{
    for (void *at = json_object_iter(quantiles); at != NULL;
         at = json_object_iter_next(quantiles, at)) {
        if (truth->quantile_count == TESTIMONY_MAX_QUANTILES) {
            return false;
        }
        truth->ranks[truth->quantile_count] = answer_number_from_text(json_object_iter_key(at));
        truth->quantiles[truth->quantile_count] = answer_number_of(json_object_iter_value(at));
        truth->quantile_count++;
    }
    return true;
}

/* Whether a rule has to do with what was served: where there was nothing, each that has a law. */
static bool is_meant(const json_t *rule, bool any_served)
{
    double count = answer_number(answer_member(rule, "served"), "count");
    return any_served && isfinite(count) ? count > 0 : answer_text(rule, "law")[0] != '\0';
}

/* The law, when all requests were under one rule; when there are none, that of the only rule. */
static void read_law(struct testimony *truth)
{
    const json_t *rules = answer_member(truth->document, "rules");
    const json_t *only = NULL;
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        bool meant = is_meant(rule, truth->count > 0);
        only = meant ? rule : only;
        count += meant;
    }
    truth->law = count == 1 ? answer_text(only, "law") : "";
    truth->law_expected = truth->law[0] != '\0' ? answer_member(only, "law_expected") : NULL;
}

/* NULL when all is there, else the name of the member that is not as it should be. */
static const char *read_members(struct testimony *truth)
{
    const json_t *document = truth->document;
    const json_t *served = answer_member(answer_member(document, "total"), "served");
    size_t bucket_count = 0;
    truth->instance = answer_text(document, "instance");
    truth->seed = answer_text(document, "seed");
    truth->started = answer_number(document, "started");
    truth->now = answer_number(document, "now");
    truth->from = answer_number(document, "from");
    truth->to = answer_number(document, "to");
    truth->whole_window = json_is_true(json_object_get(document, "whole_window"));
    truth->scrapes = answer_member(document, "scrapes");
    truth->scrapes_total = answer_number(document, "scrapes_total");
    truth->count = answer_number(served, "count");
    truth->min_seconds = answer_number(served, "min_seconds");
    truth->max_seconds = answer_number(served, "max_seconds");
    if (!isfinite(truth->started) || !isfinite(truth->now) || !isfinite(truth->from) ||
        !isfinite(truth->to)) {
        return "started, now, from and to";
    }
    if (!json_is_array(truth->scrapes) || !isfinite(truth->scrapes_total)) {
        return "scrapes";
    }
    if (!read_numbers(answer_member(document, "bounds_seconds"), truth->bounds,
                      TESTIMONY_MAX_BOUNDS, &truth->bound_count)) {
        return "bounds_seconds";
    }
    if (!read_numbers(answer_member(served, "buckets"), truth->buckets, TESTIMONY_MAX_BOUNDS + 1,
                      &bucket_count) ||
        bucket_count != truth->bound_count + 1 || !(truth->count >= 0)) {
        return "total.served";
    }
    if (!read_quantiles(answer_member(served, "quantiles"), truth)) {
        return "total.served.quantiles";
    }
    read_law(truth);
    return NULL;
}

int testimony_read(json_t *document, struct testimony *ret_truth,
                   char error[HTTP_CLIENT_ERROR_BYTES])
{
    *ret_truth = (struct testimony){.document = document};
    const char *wrong = read_members(ret_truth);
    if (wrong != NULL) {
        snprintf(error, HTTP_CLIENT_ERROR_BYTES, "its /truth is not as docs/truth.md says: %s",
                 wrong);
        testimony_free(ret_truth);
        return -EPROTO;
    }
    return 0;
}

int testimony_ask(const struct url *server, const struct http_client_limits *limits,
                  const struct testimony_question *question, struct testimony *ret_truth,
                  char error[HTTP_CLIENT_ERROR_BYTES])
{
    *ret_truth = (struct testimony){0};
    char target[1024];
    struct buffer text = buffer_over(target, sizeof target - 1);
    buffer_append_span(&text, SPAN("/truth?window="));
    buffer_append_u64(&text, (uint64_t)question->window_seconds);
    buffer_append_span(&text, SPAN("s&scrapes="));
    buffer_append_u64(&text, question->scrapes);
    buffer_append_span(&text, SPAN("&quantiles="));
    for (size_t i = 0; i < question->rank_count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%s%.6f", i > 0 ? "," : "", question->ranks[i]);
        buffer_append_span(&text, span_from_string(number));
    }
    target[text.length] = '\0';
    json_t *document = NULL;
    struct http_answer answer = {0};
    int result = answer_fetch(server, target, limits, false, &document, &answer, error);
    if (result == 0) {
        char why[HTTP_CLIENT_ERROR_BYTES];
        result = testimony_read(document, ret_truth, why);
        if (result < 0) {
            snprintf(error, HTTP_CLIENT_ERROR_BYTES, "http://%s: %.200s", server->authority, why);
        }
    }
    if (result == 0) {
        double asked = (double)answer.asked_ns / (double)NS_PER_S;
        double answered = (double)answer.answered_ns / (double)NS_PER_S;
        ret_truth->clock_offset = ret_truth->now - (asked + answered) / 2;
        ret_truth->clock_uncertainty = (answered - asked) / 2;
    }
    return result;
}

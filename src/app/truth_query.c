#include "app/truth_query.h"

#include "app/query.h"
#include "base/clock.h"

#include <errno.h>

#define SHOWN_BYTES 32 /* of what is refused */

enum parameter { WINDOW, QUANTILES, SCRAPES, PARAMETERS };

static const struct span names[PARAMETERS] = {
    [WINDOW] = {"window", 6}, [QUANTILES] = {"quantiles", 9}, [SCRAPES] = {"scrapes", 7}};

/* "`text` rest", with the text as it can be shown. */
static int refuse(struct parse_error *error, struct span text, const char *rest)
{
    char memory[4 * SHOWN_BYTES + 8];
    struct buffer shown = buffer_over(memory, sizeof memory);
    buffer_append_printable(&shown, text, SHOWN_BYTES);
    return parse_error_set(error, 0, "`%.*s` %s", (int)shown.length, shown.data, rest);
}

static int parse_window(struct span text, struct truth_query *query, struct parse_error *error)
{
    int64_t window_ns = 0;
    if (duration_parse(text, &window_ns, NULL) != 0 || window_ns % TRUTH_SLICE_NS != 0 ||
        window_ns < TRUTH_SLICE_NS || window_ns > TRUTH_SLICES * TRUTH_SLICE_NS) {
        return refuse(error, text, "is no window: a multiple of 10s, from 10s to 15m");
    }
    query->question.slices = (unsigned)(window_ns / TRUTH_SLICE_NS);
    return 0;
}

static bool equal(struct decimal a, struct decimal b)
{
    return a.digits == b.digits && a.scale == b.scale; /* neither has zeros at its end */
}

static int parse_quantile(struct span text, struct truth_question *question,
                          struct parse_error *error)
{
    struct decimal quantile;
    size_t offset = 0;
    if (decimal_scan(text, &offset, &quantile, NULL) != 0 || offset != text.length) {
        return refuse(error, text, "is no quantile: a decimal number from 0 to 1");
    }
    uint64_t one = 1;
    for (unsigned i = 0; i < quantile.scale; i++) {
        one *= 10;
    }
    if (quantile.digits > one) {
        return refuse(error, text, "is no quantile: a decimal number from 0 to 1");
    }
    for (unsigned i = 0; i < question->quantile_count; i++) {
        if (equal(question->quantiles[i], quantile)) {
            return refuse(error, text, "stands twice among the quantiles");
        }
    }
    if (question->quantile_count == TRUTH_MAX_QUANTILES) {
        return refuse(error, text, "is one quantile too many: 16 are allowed");
    }
    question->quantiles[question->quantile_count++] = quantile;
    return 0;
}

static int parse_quantiles(struct span text, struct truth_query *query, struct parse_error *error)
{
    query->question.quantile_count = 0;
    for (;;) {
        const char *comma = text.length > 0 ? memchr(text.data, ',', text.length) : NULL;
        size_t length = comma == NULL ? text.length : (size_t)(comma - text.data);
        int result = parse_quantile(span_of(text.data, length), &query->question, error);
        if (result != 0 || comma == NULL) {
            return result;
        }
        text = span_after(text, length + 1);
    }
}

static int parse_scrapes(struct span text, struct truth_query *query, struct parse_error *error)
{
    uint64_t count = 0;
    if (count_parse(text, &count, NULL) != 0 || count > TRUTH_QUERY_MAX_SCRAPES) {
        return refuse(error, text, "is no number of scrapes: 0 to 1000");
    }
    query->scrapes = (unsigned)count;
    return 0;
}

static int parse_parameter(const struct query_parameter *parameter, bool seen[PARAMETERS],
                           struct truth_query *query, struct parse_error *error)
{
    static int (*const parsers[PARAMETERS])(struct span, struct truth_query *,
                                            struct parse_error *) = {
        [WINDOW] = parse_window, [QUANTILES] = parse_quantiles, [SCRAPES] = parse_scrapes};
    unsigned known = 0;
    while (known < PARAMETERS && !span_equals(parameter->name, names[known])) {
        known++;
    }
    if (known == PARAMETERS) {
        return refuse(error, parameter->name, "is no parameter: window, quantiles and scrapes are");
    }
    if (seen[known]) {
        return refuse(error, parameter->name, "is given twice");
    }
    if (!parameter->has_value) {
        return refuse(error, parameter->name, "has no value");
    }
    seen[known] = true;
    char memory[TRUTH_QUERY_MAX_BYTES];
    struct buffer value = buffer_over(memory, sizeof memory);
    int result = query_decode(parameter->value, &value, error);
    return result == 0 ? parsers[known](buffer_span(&value), query, error) : result;
}

int truth_query_parse(struct span query, struct truth_query *ret_query, struct parse_error *error)
{
    *ret_query = (struct truth_query){
        .scrapes = TRUTH_QUERY_DEFAULT_SCRAPES,
        .question = {.quantile_count = 5,
                     .quantiles = {{5, 1}, {9, 1}, {95, 2}, {99, 2}, {999, 3}}}};
    if (query.length > TRUTH_QUERY_MAX_BYTES) {
        return parse_error_set(error, 0, "the query is longer than %d bytes",
                               TRUTH_QUERY_MAX_BYTES);
    }
    bool seen[PARAMETERS] = {false};
    while (query.length > 0) {
        struct query_parameter parameter = {0};
        if (query.data[0] != '&') { /* an empty one is refused too, as it has no known name */
            (void)query_next(&query, &parameter);
        }
        int result = parse_parameter(&parameter, seen, ret_query, error);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

#include "meter/text.h"

#include "base/clock.h"
#include "base/float_text.h"
#include "meter/histogram.h"
#include "meter/short_text.h"

#include <math.h>

static void put_escaped(struct buffer *out, struct span text, bool quotes)
{
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c != '\\' && c != '\n' && !(quotes && c == '"')) {
            continue;
        }
        buffer_append(out, text.data + start, i - start);
        buffer_append(out, c == '\n' ? "\\n" : c == '"' ? "\\\"" : "\\\\", 2);
        start = i + 1;
    }
    buffer_append(out, text.data + start, text.length - start);
}

/* Numbers that OpenMetrics wants to be seen as floats carry a point: `1.0`. */
static void put_double(struct buffer *out, double value, bool point)
{
    char text[FLOAT_TEXT_MAX_BYTES];
    size_t length = float_text(value, text);
    buffer_append(out, text, length);
    if (point && isfinite(value) && memchr(text, '.', length) == NULL &&
        memchr(text, 'e', length) == NULL) {
        buffer_append(out, ".0", 2);
    }
}

static void put_count(struct buffer *out, uint64_t count, bool openmetrics)
{
    if (openmetrics) {
        buffer_append_u64(out, count);
        return;
    }
    char text[FLOAT_TEXT_MAX_BYTES];
    buffer_append(out, text, float_text_of_u64(count, text));
}

/* Seconds with nine digits behind the point at most: exact, where a double would not be. */
static void put_time(struct buffer *out, int64_t time_ns)
{
    uint64_t ns = time_ns < 0 ? 0 : (uint64_t)time_ns;
    uint64_t fraction = ns % (uint64_t)NS_PER_S;
    unsigned digits = 9;
    while (digits > 1 && fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    buffer_append_u64(out, ns / (uint64_t)NS_PER_S);
    buffer_append_byte(out, '.');
    buffer_append_u64_padded(out, fraction, digits);
}

static const char *type_name(enum meter_type type, bool openmetrics)
{
    switch (type) {
    case METER_COUNTER:
        return "counter";
    case METER_GAUGE:
        return "gauge";
    case METER_HISTOGRAM:
        return "histogram";
    case METER_SUMMARY:
        return "summary";
    case METER_INFO:
        return openmetrics ? "info" : "gauge";
    case METER_STATE_SET:
        return openmetrics ? "stateset" : "gauge";
    }
    return "unknown";
}

static void put_comment(struct buffer *out, struct span keyword, struct span name)
{
    buffer_append_span(out, keyword);
    buffer_append_span(out, name);
    buffer_append_byte(out, ' ');
}

void text_header(struct buffer *out, const struct meter_family *family, bool openmetrics)
{
    struct span name = openmetrics ? family->base_name : family->name;
    if (family->has_help) {
        put_comment(out, SPAN("# HELP "), name);
        put_escaped(out, family->help, openmetrics);
        buffer_append_byte(out, '\n');
    }
    put_comment(out, SPAN("# TYPE "), name);
    buffer_append_span(out, span_from_string(type_name(family->type, openmetrics)));
    buffer_append_byte(out, '\n');
    if (openmetrics && family->unit.length > 0) {
        put_comment(out, SPAN("# UNIT "), name);
        buffer_append_span(out, family->unit);
        buffer_append_byte(out, '\n');
    }
}

void text_end(struct buffer *out, bool openmetrics)
{
    if (openmetrics) {
        buffer_append_span(out, SPAN("# EOF\n"));
    }
}

/* How many bytes the labels take when nothing in them needs escaping. */
static size_t plain_labels_bytes(const struct snapshot *snapshot)
{
    const struct meter_family *family = snapshot->family;
    const char *cursor = snapshot->values;
    size_t bytes = 0;
    for (unsigned i = 0; i < family->label_count; i++) {
        bytes += family->labels[i].text.length + series_next_value(&cursor).length + 1;
    }
    return bytes;
}

static char *copy_span(char *out, struct span text)
{
    copy_short(out, text.data, text.length);
    return out + text.length;
}

/* Most labels need no escaping: their room is checked once for all. */
static void put_plain_labels(struct buffer *out, const struct snapshot *snapshot)
{
    const struct meter_family *family = snapshot->family;
    const char *cursor = snapshot->values;
    size_t bytes = plain_labels_bytes(snapshot);
    if (bytes > buffer_room(out)) {
        out->overflowed = true;
        return;
    }
    char *to = out->data + out->length;
    for (unsigned i = 0; i < family->label_count; i++) {
        to = copy_span(to, family->labels[i].text);
        to = copy_span(to, series_next_value(&cursor));
        *to++ = '"';
    }
    out->length += bytes;
}

/* Labels without the closing brace. */
static void put_labels(struct buffer *out, const struct snapshot *snapshot)
{
    if (!snapshot->needs_escape) {
        put_plain_labels(out, snapshot);
        return;
    }
    const struct meter_family *family = snapshot->family;
    const char *cursor = snapshot->values;
    for (unsigned i = 0; i < family->label_count; i++) {
        buffer_append_span(out, family->labels[i].text);
        put_escaped(out, series_next_value(&cursor), true);
        buffer_append_byte(out, '"');
    }
}

static void put_sample_name(struct buffer *out, const struct snapshot *snapshot, struct span name,
                            struct span suffix)
{
    buffer_append_span(out, name);
    buffer_append_span(out, suffix);
    put_labels(out, snapshot);
    if (snapshot->family->label_count > 0) {
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ' ');
}

/* With one more label behind the series' own. */
static void put_sample_name_with(struct buffer *out, const struct snapshot *snapshot,
                                 struct span suffix, struct span label)
{
    buffer_append_span(out, snapshot->family->name);
    buffer_append_span(out, suffix);
    put_labels(out, snapshot);
    buffer_append_byte(out, snapshot->family->label_count > 0 ? ',' : '{');
    buffer_append_span(out, label);
    buffer_append_span(out, SPAN("=\""));
}

static void put_exemplar(struct buffer *out, struct snapshot *snapshot, uint32_t slot)
{
    struct series *series = snapshot->series;
    struct exemplar *exemplar = &snapshot->exemplar;
    if (series == NULL || series->extra == NULL ||
        !exemplar_copy(series->extra->exemplars, slot, exemplar)) {
        return;
    }
    buffer_append_span(out, SPAN(" # {"));
    const char *cursor = exemplar->text;
    for (unsigned i = 0; i < exemplar->label_count; i++) {
        struct span name = {cursor, exemplar->lengths[i][0]};
        struct span value = {cursor + name.length, exemplar->lengths[i][1]};
        cursor += name.length + value.length;
        buffer_append(out, ",", i > 0);
        buffer_append_span(out, name);
        buffer_append_span(out, SPAN("=\""));
        put_escaped(out, value, true);
        buffer_append_byte(out, '"');
    }
    buffer_append_span(out, SPAN("} "));
    put_double(out, exemplar->value, true);
    buffer_append_byte(out, ' ');
    put_time(out, exemplar->time_ns);
}

static void put_created(struct buffer *out, const struct snapshot *snapshot)
{
    put_sample_name(out, snapshot, snapshot->family->base_name, SPAN("_created"));
    put_time(out, __atomic_load_n(&snapshot->series->created_ns, __ATOMIC_RELAXED));
}

static void put_counter(struct buffer *out, struct snapshot *snapshot, unsigned line,
                        bool openmetrics)
{
    if (line > 0) {
        put_created(out, snapshot);
        return;
    }
    put_sample_name(out, snapshot, snapshot->family->name, SPAN(""));
    put_double(out, snapshot->value, openmetrics);
    if (openmetrics) {
        put_exemplar(out, snapshot, 0);
    }
}

/* OpenMetrics 1.0 allows neither sum nor count beside buckets with negative bounds. */
static bool has_sum(const struct snapshot *snapshot, bool openmetrics)
{
    const struct histogram_shape *shape = snapshot->family->histogram;
    return !openmetrics || shape->index.count == 0 || shape->bounds[0] >= 0;
}

static uint64_t cumulative(struct snapshot *snapshot, uint32_t bucket)
{
    if (bucket < snapshot->running_index) {
        snapshot->running = 0;
        snapshot->running_index = 0;
    }
    while (snapshot->running_index <= bucket) {
        snapshot->running += snapshot->counts[snapshot->running_index++];
    }
    return snapshot->running;
}

static void put_histogram(struct buffer *out, struct snapshot *snapshot, unsigned line,
                          bool openmetrics)
{
    const struct histogram_shape *shape = snapshot->family->histogram;
    uint32_t buckets = shape->index.count + 1;
    if (line < buckets) {
        put_sample_name_with(out, snapshot, SPAN("_bucket"), SPAN("le"));
        put_double(out, shape->bounds[line], openmetrics);
        buffer_append_span(out, SPAN("\"} "));
        put_count(out, line + 1 < buckets ? cumulative(snapshot, line) : snapshot->count,
                  openmetrics);
        if (openmetrics) {
            put_exemplar(out, snapshot, line);
        }
        return;
    }
    line -= buckets;
    if (!has_sum(snapshot, openmetrics)) {
        line += 2;
    }
    if (line == 0) {
        put_sample_name(out, snapshot, snapshot->family->name, SPAN("_sum"));
        put_double(out, snapshot->sum, openmetrics);
    } else if (line == 1) {
        put_sample_name(out, snapshot, snapshot->family->name, SPAN("_count"));
        put_count(out, snapshot->count, openmetrics);
    } else {
        put_created(out, snapshot);
    }
}

static void put_summary(struct buffer *out, const struct snapshot *snapshot, unsigned line,
                        bool openmetrics)
{
    const struct meter_family *family = snapshot->family;
    if (line < family->quantile_count) {
        put_sample_name_with(out, snapshot, SPAN(""), SPAN("quantile"));
        put_double(out, family->quantiles[line], openmetrics);
        buffer_append_span(out, SPAN("\"} "));
        put_double(out, snapshot->quantiles[line], openmetrics);
        return;
    }
    line -= (unsigned)family->quantile_count;
    if (line == 0) {
        put_sample_name(out, snapshot, family->name, SPAN("_sum"));
        put_double(out, snapshot->sum, openmetrics);
    } else if (line == 1) {
        put_sample_name(out, snapshot, family->name, SPAN("_count"));
        put_count(out, snapshot->count, openmetrics);
    } else {
        put_created(out, snapshot);
    }
}

static void put_state(struct buffer *out, const struct snapshot *snapshot, unsigned line,
                      bool openmetrics)
{
    put_sample_name_with(out, snapshot, SPAN(""), snapshot->family->name);
    put_escaped(out, snapshot->family->states[line], true);
    buffer_append_span(out, SPAN("\"} "));
    put_double(out, (double)(snapshot->states >> line & 1), openmetrics);
}

unsigned text_line_count(const struct snapshot *snapshot, bool openmetrics)
{
    const struct meter_family *family = snapshot->family;
    unsigned created =
        openmetrics && snapshot->series != NULL && family->meter->options.created_timestamps;
    switch (family->type) {
    case METER_COUNTER:
        return 1 + created;
    case METER_HISTOGRAM:
        return family->histogram->index.count + 1 + (has_sum(snapshot, openmetrics) ? 2 : 0) +
               created;
    case METER_SUMMARY:
        return (unsigned)family->quantile_count + 2 + created;
    case METER_STATE_SET:
        return family->state_count;
    default:
        return 1;
    }
}

void text_line(struct buffer *out, struct snapshot *snapshot, unsigned line, bool openmetrics)
{
    switch (snapshot->family->type) {
    case METER_COUNTER:
        put_counter(out, snapshot, line, openmetrics);
        break;
    case METER_GAUGE:
    case METER_INFO:
        put_sample_name(out, snapshot, snapshot->family->name, SPAN(""));
        put_double(out, snapshot->value, openmetrics);
        break;
    case METER_HISTOGRAM:
        put_histogram(out, snapshot, line, openmetrics);
        break;
    case METER_SUMMARY:
        put_summary(out, snapshot, line, openmetrics);
        break;
    case METER_STATE_SET:
        put_state(out, snapshot, line, openmetrics);
        break;
    }
    buffer_append_byte(out, '\n');
}

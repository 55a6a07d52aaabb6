#include "meter/protobuf.h"

#include "base/clock.h"
#include "meter/histogram.h"
#include "meter/native.h"
#include "meter/watch.h"
#include "meter/wire.h"

#include <errno.h>
#include <math.h>

/* io.prometheus.client, metrics.proto. */
enum { LABEL_VALUE = 2 };
enum { METRIC_LABEL = 1, METRIC_GAUGE = 2, METRIC_COUNTER = 3, METRIC_SUMMARY = 4 };
enum { METRIC_HISTOGRAM = 7 };
enum { FAMILY_NAME = 1, FAMILY_HELP = 2, FAMILY_TYPE = 3, FAMILY_METRIC = 4 };
enum { VALUE = 1, COUNTER_EXEMPLAR = 2, COUNTER_CREATED = 3 };
enum { SUMMARY_COUNT = 1, SUMMARY_SUM = 2, SUMMARY_QUANTILE = 3, SUMMARY_CREATED = 4 };
enum { QUANTILE_QUANTILE = 1, QUANTILE_VALUE = 2 };
enum { HISTOGRAM_COUNT = 1, HISTOGRAM_SUM = 2, HISTOGRAM_BUCKET = 3, HISTOGRAM_SCHEMA = 5 };
enum { HISTOGRAM_ZERO_THRESHOLD = 6, HISTOGRAM_ZERO_COUNT = 7, HISTOGRAM_CREATED = 15 };
enum { NEGATIVE_SPAN = 9, NEGATIVE_DELTA = 10, POSITIVE_SPAN = 12, POSITIVE_DELTA = 13 };
enum { BUCKET_COUNT = 1, BUCKET_BOUND = 2, BUCKET_EXEMPLAR = 3 };
enum { SPAN_OFFSET = 1, SPAN_LENGTH = 2 };
enum { EXEMPLAR_LABEL = 1, EXEMPLAR_VALUE = 2, EXEMPLAR_TIME = 3 };
enum { TIME_SECONDS = 1, TIME_NANOS = 2 };
enum { TYPE_COUNTER = 0, TYPE_GAUGE = 1, TYPE_SUMMARY = 2, TYPE_HISTOGRAM = 4 };

#define MAX_LENGTH_BYTES 10 /* of the length in front of a message */
#define MAX_SPAN_GAP 2      /* empty buckets that cost less than a new span */

static unsigned type_number(enum meter_type type)
{
    switch (type) {
    case METER_COUNTER:
        return TYPE_COUNTER;
    case METER_HISTOGRAM:
        return TYPE_HISTOGRAM;
    case METER_SUMMARY:
        return TYPE_SUMMARY;
    default:
        return TYPE_GAUGE;
    }
}

static void put_time(struct wire *wire, uint32_t field, int64_t time_ns)
{
    const char *end = wire->cursor;
    wire_uint_field(wire, TIME_NANOS, (uint64_t)(time_ns % NS_PER_S));
    wire_uint_field(wire, TIME_SECONDS, (uint64_t)(time_ns / NS_PER_S));
    wire_message(wire, field, end);
}

static void put_created(struct wire *wire, uint32_t field, const struct snapshot *snapshot)
{
    if (snapshot->series != NULL && snapshot->family->meter->options.created_timestamps) {
        put_time(wire, field, __atomic_load_n(&snapshot->series->created_ns, __ATOMIC_RELAXED));
    }
}

/* One LabelPair, its name already in its field. */
static void put_label(struct wire *wire, uint32_t field, struct span name_field, struct span value)
{
    const char *end = wire->cursor;
    wire_bytes_field(wire, LABEL_VALUE, value);
    wire_bytes(wire, name_field.data, name_field.length);
    wire_message(wire, field, end);
}

static void put_named_label(struct wire *wire, uint32_t field, struct span name, struct span value)
{
    const char *end = wire->cursor;
    wire_bytes_field(wire, LABEL_VALUE, value);
    wire_bytes_field(wire, 1, name);
    wire_message(wire, field, end);
}

static void put_labels(struct wire *wire, const struct snapshot *snapshot)
{
    const struct meter_family *family = snapshot->family;
    struct span values[METER_MAX_LABELS];
    const char *cursor = snapshot->values;
    for (unsigned i = 0; i < family->label_count; i++) {
        values[i] = series_next_value(&cursor);
    }
    for (unsigned i = family->label_count; i-- > 0;) {
        put_label(wire, METRIC_LABEL, family->labels[i].protobuf, values[i]);
    }
}

static bool take_exemplar(struct snapshot *snapshot, uint32_t slot)
{
    return snapshot->series != NULL && snapshot->series->extra != NULL &&
           exemplar_copy(snapshot->series->extra->exemplars, slot, &snapshot->exemplar);
}

static void put_exemplar(struct wire *wire, uint32_t field, const struct exemplar *exemplar)
{
    const char *end = wire->cursor;
    struct span names[EXEMPLAR_MAX_LABELS], values[EXEMPLAR_MAX_LABELS];
    const char *text = exemplar->text;
    for (unsigned i = 0; i < exemplar->label_count; i++) {
        names[i] = span_of(text, exemplar->lengths[i][0]);
        values[i] = span_of(text + names[i].length, exemplar->lengths[i][1]);
        text += names[i].length + values[i].length;
    }
    put_time(wire, EXEMPLAR_TIME, exemplar->time_ns);
    wire_double_field(wire, EXEMPLAR_VALUE, exemplar->value);
    for (unsigned i = exemplar->label_count; i-- > 0;) {
        put_named_label(wire, EXEMPLAR_LABEL, names[i], values[i]);
    }
    wire_message(wire, field, end);
}

static void put_counter(struct wire *wire, struct snapshot *snapshot)
{
    const char *end = wire->cursor;
    put_created(wire, COUNTER_CREATED, snapshot);
    if (take_exemplar(snapshot, 0)) {
        put_exemplar(wire, COUNTER_EXEMPLAR, &snapshot->exemplar);
    }
    wire_double_field(wire, VALUE, snapshot->value);
    wire_message(wire, METRIC_COUNTER, end);
}

static void put_gauge(struct wire *wire, double value)
{
    const char *end = wire->cursor;
    wire_double_field(wire, VALUE, value);
    wire_message(wire, METRIC_GAUGE, end);
}

static void put_summary(struct wire *wire, const struct snapshot *snapshot)
{
    const char *end = wire->cursor;
    put_created(wire, SUMMARY_CREATED, snapshot);
    for (size_t i = snapshot->family->quantile_count; i-- > 0;) {
        const char *quantile_end = wire->cursor;
        wire_double_field(wire, QUANTILE_VALUE, snapshot->quantiles[i]);
        wire_double_field(wire, QUANTILE_QUANTILE, snapshot->family->quantiles[i]);
        wire_message(wire, SUMMARY_QUANTILE, quantile_end);
    }
    wire_double_field(wire, SUMMARY_SUM, snapshot->sum);
    wire_uint_field(wire, SUMMARY_COUNT, snapshot->count);
    wire_message(wire, METRIC_SUMMARY, end);
}

/* The +Inf bucket is implied by the count; it is written only to carry an exemplar. */
static void put_classic_buckets(struct wire *wire, struct snapshot *snapshot)
{
    const struct histogram_shape *shape = snapshot->family->histogram;
    uint64_t cumulative = 0;
    for (uint32_t i = 0; i < shape->index.count; i++) {
        cumulative += snapshot->counts[i];
    }
    for (uint32_t i = shape->index.count + 1; i-- > 0;) {
        bool infinite = i == shape->index.count;
        bool marked = take_exemplar(snapshot, i);
        if (!infinite || marked) {
            const char *end = wire->cursor;
            if (marked) {
                put_exemplar(wire, BUCKET_EXEMPLAR, &snapshot->exemplar);
            }
            wire_double_field(wire, BUCKET_BOUND, shape->bounds[i]);
            wire_uint_field(wire, BUCKET_COUNT, infinite ? snapshot->count : cumulative);
            wire_message(wire, HISTOGRAM_BUCKET, end);
        }
        cumulative -= infinite ? 0 : snapshot->counts[i];
    }
}

static void put_span(struct wire *wire, uint32_t field, int64_t offset, uint64_t length)
{
    const char *end = wire->cursor;
    wire_uint_field(wire, SPAN_LENGTH, length);
    wire_uint_field(wire, SPAN_OFFSET, wire_zigzag(offset));
    wire_message(wire, field, end);
}

/* Whether a bucket begins a new span: gaps of one or two buckets are filled with empty ones. */
static bool begins_span(const struct native_bucket *buckets, uint32_t i)
{
    return i == 0 || buckets[i].key - buckets[i - 1].key - 1 > MAX_SPAN_GAP;
}

/* Differences between neighbours, packed, the empty buckets between them included. */
static void put_deltas(struct wire *wire, uint32_t field, const struct native_bucket *buckets,
                       uint32_t count)
{
    const char *end = wire->cursor;
    for (uint32_t i = count; i-- > 0;) {
        int64_t current = (int64_t)buckets[i].count;
        int64_t before = i > 0 ? (int64_t)buckets[i - 1].count : 0;
        int32_t gap = begins_span(buckets, i) ? 0 : buckets[i].key - buckets[i - 1].key - 1;
        if (gap == 0) {
            wire_varint(wire, wire_zigzag(current - before));
            continue;
        }
        wire_varint(wire, wire_zigzag(current));
        for (int32_t j = 1; j < gap; j++) {
            wire_varint(wire, 0);
        }
        wire_varint(wire, wire_zigzag(-before));
    }
    wire_message(wire, field, end);
}

static void put_spans(struct wire *wire, uint32_t field, const struct native_bucket *buckets,
                      uint32_t count)
{
    for (uint32_t last = count; last > 0;) {
        uint32_t first = last - 1;
        while (!begins_span(buckets, first)) {
            first--;
        }
        int64_t length = (int64_t)buckets[last - 1].key - buckets[first].key + 1;
        int64_t offset =
            first == 0 ? buckets[0].key : (int64_t)buckets[first].key - buckets[first - 1].key - 1;
        put_span(wire, field, offset, (uint64_t)length);
        last = first;
    }
}

static void put_native(struct wire *wire, const struct native_snapshot *native)
{
    if (native->positive_count > 0) {
        put_deltas(wire, POSITIVE_DELTA, native->positive, native->positive_count);
        put_spans(wire, POSITIVE_SPAN, native->positive, native->positive_count);
    } else if (native->negative_count == 0 && native->zero_count == 0) {
        put_span(wire, POSITIVE_SPAN, 0, 0); /* else it could pass for a classic one */
    }
    if (native->negative_count > 0) {
        put_deltas(wire, NEGATIVE_DELTA, native->negative, native->negative_count);
        put_spans(wire, NEGATIVE_SPAN, native->negative, native->negative_count);
    }
    wire_uint_field(wire, HISTOGRAM_ZERO_COUNT, native->zero_count);
    wire_double_field(wire, HISTOGRAM_ZERO_THRESHOLD, native->zero_threshold);
    wire_uint_field(wire, HISTOGRAM_SCHEMA, wire_zigzag(native->schema));
}

static void put_histogram(struct wire *wire, struct snapshot *snapshot)
{
    const struct meter_family *family = snapshot->family;
    const char *end = wire->cursor;
    put_created(wire, HISTOGRAM_CREATED, snapshot);
    if (family->native != NULL) {
        put_native(wire, snapshot->native);
    }
    if (family->native == NULL || !family->native_alone_in_protobuf) {
        put_classic_buckets(wire, snapshot);
    }
    wire_double_field(wire, HISTOGRAM_SUM, snapshot->sum);
    wire_uint_field(wire, HISTOGRAM_COUNT, snapshot->count);
    wire_message(wire, METRIC_HISTOGRAM, end);
}

static void put_value(struct wire *wire, struct snapshot *snapshot)
{
    switch (snapshot->family->type) {
    case METER_COUNTER:
        put_counter(wire, snapshot);
        break;
    case METER_HISTOGRAM:
        put_histogram(wire, snapshot);
        break;
    case METER_SUMMARY:
        put_summary(wire, snapshot);
        break;
    default:
        put_gauge(wire, snapshot->value);
        break;
    }
}

/* A state set is a gauge for each state, with the state in a label of the family's name. */
static void put_states(struct wire *wire, struct snapshot *snapshot)
{
    const struct meter_family *family = snapshot->family;
    for (unsigned i = family->state_count; i-- > 0;) {
        const char *end = wire->cursor;
        put_gauge(wire, (double)(snapshot->states >> i & 1));
        put_named_label(wire, METRIC_LABEL, family->name, family->states[i]);
        put_labels(wire, snapshot);
        wire_message(wire, FAMILY_METRIC, end);
    }
}

static void put_metric(struct wire *wire, struct snapshot *snapshot)
{
    const char *end = wire->cursor;
    put_value(wire, snapshot);
    put_labels(wire, snapshot);
    wire_message(wire, FAMILY_METRIC, end);
}

/* Room for the length, then name, help and type. */
static int begin_message(struct buffer *out, const struct meter_family *family)
{
    if (out->capacity == 0) {
        return -ENOBUFS;
    }
    struct wire wire = wire_over(out->data, out->capacity);
    wire_uint_field(&wire, FAMILY_TYPE, type_number(family->type));
    if (family->has_help) {
        wire_bytes_field(&wire, FAMILY_HELP, family->help);
    }
    wire_bytes_field(&wire, FAMILY_NAME, family->name);
    size_t length = (size_t)(out->data + out->capacity - wire.cursor);
    if (wire.overflowed || length + MAX_LENGTH_BYTES > out->capacity) {
        return -ENOBUFS;
    }
    memmove(out->data + MAX_LENGTH_BYTES, wire.cursor, length);
    out->length = MAX_LENGTH_BYTES + length;
    return 0;
}

int protobuf_stage_sample(struct meter_scrape *scrape)
{
    struct buffer *out = &scrape->staged;
    if (out->length == 0) {
        int result = begin_message(out, scrape->family);
        if (result != 0) {
            return result;
        }
    }
    struct wire wire = wire_over(out->data + out->length, buffer_room(out));
    if (scrape->family->type == METER_STATE_SET) {
        put_states(&wire, &scrape->snapshot);
    } else {
        put_metric(&wire, &scrape->snapshot);
    }
    if (wire.overflowed) {
        return -ENOBUFS;
    }
    size_t length = (size_t)(out->data + out->capacity - wire.cursor);
    memmove(out->data + out->length, wire.cursor, length);
    out->length += length;
    return 0;
}

void protobuf_finish_samples(struct meter_scrape *scrape)
{
    struct buffer *out = &scrape->staged;
    if (out->length == 0) {
        return;
    }
    uint64_t length = out->length - MAX_LENGTH_BYTES;
    scrape->staged_taken = MAX_LENGTH_BYTES - wire_varint_length(length);
    wire_put_varint(out->data + scrape->staged_taken, length);
}

bool scrape_protobuf_locked(struct meter_scrape *scrape, int *ret_error)
{
    size_t limit = scrape->meter->options.max_staged_bytes;
    size_t index = SIZE_MAX;
    size_t samples = 0;
    bool more = scrape_next_series_locked(scrape, &index);
    *ret_error = scrape_stage_reserve(scrape, 1);
    while (more && *ret_error == 0) {
        int result = protobuf_stage_sample(scrape);
        if (result == 0) {
            samples++;
            watch_tell(scrape);
            more = scrape_next_series_locked(scrape, &index);
        } else if (samples > 0 && scrape->staged.capacity >= limit) {
            break;
        } else {
            *ret_error = scrape_stage_reserve(scrape, scrape->staged.capacity + 1);
        }
    }
    if (samples > 0) {
        /* The next message goes on behind the last series in this one. */
        scrape_stand_locked(scrape, scrape->family->ordered[index - 1]);
        protobuf_finish_samples(scrape);
    }
    return more;
}

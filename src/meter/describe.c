/* From a description to a family: what can be wrong with it, and copying it. */
#include "meter/exemplar.h"
#include "meter/histogram.h"
#include "meter/name.h"
#include "meter/native.h"
#include "meter/registry.h"
#include "meter/state_set.h"
#include "meter/summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define MAX_NAME_BYTES 1024
#define MAX_BOUNDS 10000

static const double default_bounds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

static struct span without_suffix(struct span name, struct span suffix)
{
    bool ends = name.length > suffix.length &&
                memcmp(name.data + name.length - suffix.length, suffix.data, suffix.length) == 0;
    return ends ? span_of(name.data, name.length - suffix.length) : name;
}

static struct span base_name_of(const struct meter_description *description)
{
    struct span name = span_from_string(description->name);
    switch (description->type) {
    case METER_COUNTER:
        return without_suffix(name, SPAN("_total"));
    case METER_INFO:
        return without_suffix(name, SPAN("_info"));
    default:
        return name;
    }
}

static int check_name(const struct meter_description *description, struct meter_error *error)
{
    const char *name = description->name;
    if (name == NULL || strlen(name) > MAX_NAME_BYTES || !name_is_metric(span_from_string(name))) {
        return meter_fail(error, -EINVAL,
                          "\"%.80s\" is not a metric name: [a-zA-Z_:][a-zA-Z0-9_:]*",
                          name == NULL ? "" : name);
    }
    bool same = base_name_of(description).length == strlen(name);
    if (description->type == METER_COUNTER && same) {
        return meter_fail(error, -EINVAL, "%s: the name of a counter must end in _total", name);
    }
    if (description->type == METER_INFO && same) {
        return meter_fail(error, -EINVAL, "%s: the name of an info must end in _info", name);
    }
    if (description->type == METER_STATE_SET && !name_is_label(span_from_string(name))) {
        return meter_fail(error, -EINVAL, "%s: the name of a state set is a label's too: no colons",
                          name);
    }
    return 0;
}

static int check_unit(const struct meter_description *description, struct meter_error *error)
{
    if (description->unit == NULL || description->unit[0] == '\0') {
        return 0;
    }
    struct span base = base_name_of(description), unit = span_from_string(description->unit);
    bool suffix = base.length > unit.length + 1 &&
                  base.data[base.length - unit.length - 1] == '_' &&
                  memcmp(base.data + base.length - unit.length, unit.data, unit.length) == 0;
    if (!suffix || description->type == METER_INFO || description->type == METER_STATE_SET) {
        return meter_fail(error, -EINVAL, "%s: the unit \"%s\" must be the suffix of the name",
                          description->name, description->unit);
    }
    return 0;
}

static int check_labels(const struct meter_description *description, unsigned *ret_count,
                        struct meter_error *error)
{
    const char *const *labels = description->labels;
    unsigned count = 0;
    for (; labels != NULL && labels[count] != NULL; count++) {
        const char *label = labels[count];
        if (count == METER_MAX_LABELS) {
            return meter_fail(error, -EINVAL, "%s: more than %d labels", description->name,
                              METER_MAX_LABELS);
        }
        if (strlen(label) > MAX_NAME_BYTES || !name_is_label(span_from_string(label))) {
            return meter_fail(error, -EINVAL, "%s: \"%.80s\" is not a label name",
                              description->name, label);
        }
        bool reserved =
            (description->type == METER_HISTOGRAM && strcmp(label, "le") == 0) ||
            (description->type == METER_SUMMARY && strcmp(label, "quantile") == 0) ||
            (description->type == METER_STATE_SET && strcmp(label, description->name) == 0);
        if (reserved) {
            return meter_fail(error, -EINVAL, "%s: the label \"%s\" is taken by the type",
                              description->name, label);
        }
        for (unsigned i = 0; i < count; i++) {
            if (strcmp(label, labels[i]) == 0) {
                return meter_fail(error, -EINVAL, "%s: the label \"%s\" is there twice",
                                  description->name, label);
            }
        }
    }
    *ret_count = count;
    return 0;
}

static int check_rest(const struct meter_description *description, struct meter_error *error)
{
    if ((unsigned)description->type > METER_STATE_SET) {
        return meter_fail(error, -EINVAL, "%s: unknown type", description->name);
    }
    if (description->idle_ns < 0 || description->window_ns < 0) {
        return meter_fail(error, -EINVAL, "%s: a time below zero", description->name);
    }
    if (description->collect != NULL &&
        (description->type == METER_SUMMARY || description->type == METER_STATE_SET ||
         description->native_growth != 0)) {
        return meter_fail(error, -EINVAL,
                          "%s: callbacks are for counters, gauges, info and classic histograms",
                          description->name);
    }
    if (description->exemplars && description->type != METER_COUNTER &&
        description->type != METER_HISTOGRAM) {
        return meter_fail(error, -EINVAL, "%s: exemplars are for counters and histograms",
                          description->name);
    }
    return 0;
}

/* Bounds that increase; a last one of +Inf is dropped, because it is implied. */
static int check_bounds(const struct meter_description *description, size_t *ret_count,
                        struct meter_error *error)
{
    size_t count = description->bound_count;
    if (count > MAX_BOUNDS || (count > 0 && description->bounds == NULL)) {
        return meter_fail(error, -EINVAL, "%s: more than %d bounds, or none given",
                          description->name, MAX_BOUNDS);
    }
    if (count > 0 && isinf(description->bounds[count - 1]) && description->bounds[count - 1] > 0) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        double bound = description->bounds[i];
        if (!isfinite(bound) || (i > 0 && !(bound > description->bounds[i - 1]))) {
            return meter_fail(error, -EINVAL, "%s: bounds must be finite and increase",
                              description->name);
        }
    }
    *ret_count = count;
    return 0;
}

static int make_histogram(struct meter_family *family, const struct meter_description *description,
                          struct meter_error *error)
{
    size_t count = 0;
    int result = check_bounds(description, &count, error);
    if (result != 0) {
        return result;
    }
    const double *bounds = description->bounds;
    bool native = description->native_growth != 0; /* NaN too: it is refused */
    if (description->bound_count == 0 && !native) {
        bounds = default_bounds;
        count = ARRAY_LENGTH(default_bounds);
    }
    /* A native histogram has classic buckets too, if only +Inf, for the formats without native. */
    family->histogram = histogram_shape_new(bounds, count);
    if (family->histogram == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    family->exemplar_slots = (uint32_t)count + 1;
    family->cell_words = histogram_words(family->histogram);
    if (native) {
        return native_describe(family, description, error);
    }
    family->fast_index = family->histogram->index;
    return 0;
}

/* What each type needs for one series. */
static int make_type(struct meter_family *family, const struct meter_description *description,
                     struct meter_error *error)
{
    family->series_bytes = sizeof(struct series);
    family->exemplar_slots = 1;
    switch (description->type) {
    case METER_COUNTER:
        family->cell_words = 2;
        return 0;
    case METER_GAUGE:
        family->cell_words = 1;
        family->series_bytes = sizeof(struct gauge_series);
        return 0;
    case METER_HISTOGRAM:
        return make_histogram(family, description, error);
    case METER_SUMMARY:
        return summary_describe(family, description, error);
    case METER_STATE_SET:
        return state_set_describe(family, description, error);
    case METER_INFO:
        return 0;
    }
    return 0;
}

/* Copies text into the memory behind the family. */
static struct span keep(char **memory, struct span text)
{
    struct span kept = {*memory, text.length};
    memcpy(*memory, text.data, text.length);
    *memory += text.length;
    return kept;
}

static size_t varint_bytes(size_t value)
{
    size_t bytes = 1;
    for (; value >= 0x80; value >>= 7) {
        bytes++;
    }
    return bytes;
}

/* `,name="` and the LabelPair's field 1 of a name. */
static size_t label_text_bytes(size_t name_length)
{
    return name_length + 4 + 1 + varint_bytes(name_length) + name_length;
}

static void make_label(struct label_name *label, struct span name, bool first, char **memory)
{
    char *start = *memory;
    keep(memory, first ? SPAN("{") : SPAN(","));
    label->name = keep(memory, name);
    keep(memory, SPAN("=\""));
    label->text = span_of(start, (size_t)(*memory - start));
    start = *memory;
    *(*memory)++ = 0x0a; /* field 1, length-delimited */
    size_t length = name.length;
    for (; length >= 0x80; length >>= 7) {
        *(*memory)++ = (char)(length | 0x80);
    }
    *(*memory)++ = (char)length;
    keep(memory, name);
    label->protobuf = span_of(start, (size_t)(*memory - start));
}

static void make_labels(struct meter_family *family, const char *const *names, char **memory)
{
    for (unsigned i = 0; i < family->label_count; i++) {
        /* The i-th name in order: as many are smaller as were placed. */
        for (unsigned j = 0; j < family->label_count; j++) {
            unsigned smaller = 0;
            for (unsigned k = 0; k < family->label_count; k++) {
                smaller += strcmp(names[k], names[j]) < 0;
            }
            if (smaller == i) {
                family->labels[i].value_index = j;
                make_label(&family->labels[i], span_from_string(names[j]), i == 0, memory);
            }
        }
    }
}

static struct meter_family *
make_base(struct meter *meter, const struct meter_description *description, unsigned label_count)
{
    struct span help = span_from_string(description->help == NULL ? "" : description->help);
    struct span unit = span_from_string(description->unit == NULL ? "" : description->unit);
    size_t name_bytes = strlen(description->name);
    size_t bytes = name_bytes + text_clean_bytes(help) + unit.length;
    for (unsigned i = 0; i < label_count; i++) {
        bytes += label_text_bytes(strlen(description->labels[i]));
    }
    size_t labels_bytes = label_count * sizeof(struct label_name);
    struct meter_family *family = calloc(1, sizeof *family + labels_bytes + bytes);
    if (family == NULL) {
        return NULL;
    }
    family->labels = (struct label_name *)(family + 1);
    family->label_count = label_count;
    char *memory = (char *)(family->labels + label_count);
    family->meter = meter;
    family->type = description->type;
    family->name = keep(&memory, span_of(description->name, name_bytes));
    family->base_name = span_of(family->name.data, base_name_of(description).length);
    family->unit = keep(&memory, unit);
    family->has_help = description->help != NULL;
    family->help = span_of(memory, text_clean(help, memory));
    memory += family->help.length;
    make_labels(family, description->labels, &memory);
    family->max_series = description->max_series;
    family->idle_ns = description->idle_ns;
    family->exemplars = description->exemplars;
    family->collect = description->collect;
    family->context = description->context;
    family->native_alone_in_protobuf = description->native_alone_in_protobuf;
    pthread_mutex_init(&family->lock, NULL);
    return family;
}

int family_make(struct meter *meter, const struct meter_description *description,
                struct meter_family **ret_family, struct meter_error *error)
{
    unsigned label_count = 0;
    int result = check_name(description, error);
    if (result != 0 || (result = check_rest(description, error)) != 0 ||
        (result = check_unit(description, error)) != 0 ||
        (result = check_labels(description, &label_count, error)) != 0) {
        return result;
    }
    struct meter_family *family = make_base(meter, description, label_count);
    if (family == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    result = make_type(family, description, error);
    if (result != 0) {
        family_free(family);
        errno = -result;
        return result;
    }
    *ret_family = family;
    return 0;
}

#include "meter/registry.h"

#include "base/clock.h"
#include "meter/histogram.h"
#include "meter/native.h"
#include "meter/state_set.h"
#include "meter/summary.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_STAGED_BYTES (256u * 1024)
#define MIN_STAGED_BYTES 4096u

int meter_fail(struct meter_error *error, int code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        (void)vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    errno = -code;
    return code;
}

/* Unlike for each process and registry, which is what a seed against chosen label values needs. */
static uint64_t make_seed(const void *address)
{
    uint64_t seed = (uint64_t)(uintptr_t)address ^ (uint64_t)(uintptr_t)&address;
    return (seed ^ (uint64_t)clock_monotonic_ns()) * UINT64_C(0x9e3779b97f4a7c15);
}

struct meter *meter_new(const struct meter_options *options)
{
    thread_start();
    struct meter *meter = calloc(1, sizeof *meter);
    if (meter == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    if (options != NULL) {
        meter->options = *options;
    }
    if (meter->options.max_staged_bytes == 0) {
        meter->options.max_staged_bytes = DEFAULT_STAGED_BYTES;
    }
    if (meter->options.max_staged_bytes < MIN_STAGED_BYTES) {
        meter->options.max_staged_bytes = MIN_STAGED_BYTES;
    }
    meter->hash_seed = make_seed(meter);
    pthread_mutex_init(&meter->lock, NULL);
    cell_pool_init(&meter->pool);
    return meter;
}

void family_free(struct meter_family *family)
{
    series_free_all(family);
    pthread_mutex_destroy(&family->lock);
    histogram_shape_free(family->histogram);
    native_shape_free(family->native);
    summary_free(family);
    state_set_free(family);
    free(family);
}

void meter_free(struct meter *meter)
{
    if (meter == NULL) {
        return;
    }
    while (meter->families != NULL) {
        struct meter_family *family = meter->families;
        meter->families = family->next;
        family_free(family);
    }
    cell_pool_free(&meter->pool);
    pthread_mutex_destroy(&meter->lock);
    free(meter);
}

struct meter_family *meter_first_family(struct meter *meter)
{
    return __atomic_load_n(&meter->families, __ATOMIC_ACQUIRE);
}

struct meter_family *meter_next_family(struct meter_family *family)
{
    return __atomic_load_n(&family->next, __ATOMIC_ACQUIRE);
}

/* The names that a family shows in some format: OpenMetrics, section "Metric naming". */
static const char *const *suffixes_of(enum meter_type type)
{
    static const char *const counter[] = {"", "_total", "_created", NULL};
    static const char *const histogram[] = {"", "_bucket", "_count", "_sum", "_created", NULL};
    static const char *const summary[] = {"", "_count", "_sum", "_created", NULL};
    static const char *const info[] = {"", "_info", NULL};
    static const char *const other[] = {"", NULL};
    switch (type) {
    case METER_COUNTER:
        return counter;
    case METER_HISTOGRAM:
        return histogram;
    case METER_SUMMARY:
        return summary;
    case METER_INFO:
        return info;
    default:
        return other;
    }
}

static bool same_joined(struct span a, const char *a_suffix, struct span b, const char *b_suffix)
{
    struct span x = span_from_string(a_suffix), y = span_from_string(b_suffix);
    if (a.length + x.length != b.length + y.length) {
        return false;
    }
    if (a.length > b.length) {
        return same_joined(b, b_suffix, a, a_suffix);
    }
    size_t rest = b.length - a.length; /* what b's name has of a's suffix */
    return memcmp(a.data, b.data, a.length) == 0 && memcmp(x.data, b.data + a.length, rest) == 0 &&
           memcmp(x.data + rest, y.data, y.length) == 0;
}

static bool clash(const struct meter_family *a, const struct meter_family *b)
{
    for (const char *const *x = suffixes_of(a->type); *x != NULL; x++) {
        for (const char *const *y = suffixes_of(b->type); *y != NULL; y++) {
            if (same_joined(a->base_name, *x, b->base_name, *y)) {
                return true;
            }
        }
    }
    return false;
}

static int compare_names(struct span a, struct span b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int result = memcmp(a.data, b.data, shorter);
    return result != 0 ? result : (a.length > b.length) - (a.length < b.length);
}

/* Puts the family at its place in the list, unless one of its names is taken. */
static int link_family(struct meter *meter, struct meter_family *family, struct meter_error *error)
{
    struct meter_family **link = &meter->families;
    for (struct meter_family *other = meter->families; other != NULL; other = other->next) {
        if (clash(family, other)) {
            return meter_fail(error, -EEXIST, "%.*s: the name is taken by the family %.*s",
                              (int)family->name.length, family->name.data, (int)other->name.length,
                              other->name.data);
        }
        if (compare_names(other->name, family->name) < 0) {
            link = &other->next;
        }
    }
    family->next = *link;
    __atomic_store_n(link, family, __ATOMIC_RELEASE);
    return 0;
}

/* A family without labels has its one series from the start, at zero. */
static int make_only_series(struct meter_family *family, struct meter_error *error)
{
    if (family->label_count > 0 || family->collect != NULL) {
        return 0;
    }
    struct value_list none;
    struct series *series;
    int result = value_list_of_strings(&none, NULL);
    if (result == 0) {
        result = series_obtain(family, &none, false, &series);
    }
    return result == 0 ? 0 : meter_fail(error, result, "out of memory");
}

/* What max_series refused, for each family that has one. */
static void collect_refused(struct meter_sink *sink, void *context)
{
    for (struct meter_family *family = meter_first_family(context); family != NULL;
         family = meter_next_family(family)) {
        if (family->max_series > 0) {
            const struct meter_text name = {family->name.data, family->name.length};
            uint64_t refused = meter_series_refused(family);
            (void)meter_emit_text(sink, &name, 1, (double)refused);
        }
    }
}

/* What callbacks produced in vain, for each family that it happened to. */
static void collect_dropped(struct meter_sink *sink, void *context)
{
    for (struct meter_family *family = meter_first_family(context); family != NULL;
         family = meter_next_family(family)) {
        uint64_t dropped = meter_samples_dropped(family);
        if (dropped > 0) {
            const struct meter_text name = {family->name.data, family->name.length};
            (void)meter_emit_text(sink, &name, 1, (double)dropped);
        }
    }
}

/* Registers a family of libmeter's own, once. */
static int register_own(struct meter *meter, bool *registered, const char *name, const char *help,
                        meter_collect_function *collect, struct meter_error *error)
{
    if (__atomic_exchange_n(registered, true, __ATOMIC_RELAXED)) {
        return 0;
    }
    const struct meter_description description = {
        .type = METER_COUNTER,
        .name = name,
        .help = help,
        .labels = METER_LABELS("family"),
        .collect = collect,
        .context = meter,
    };
    if (meter_register(meter, &description, error) == NULL) {
        __atomic_store_n(registered, false, __ATOMIC_RELAXED);
        return -errno;
    }
    return 0;
}

static int register_own_families(struct meter *meter, const struct meter_description *description,
                                 struct meter_error *error)
{
    int result = 0;
    if (description->max_series > 0) {
        result = register_own(meter, &meter->counts_refused, "meter_series_refused_total",
                              "Series not made because their family has as many as it may.",
                              collect_refused, error);
    }
    if (result == 0 && description->collect != NULL) {
        result = register_own(meter, &meter->counts_dropped, "meter_samples_dropped_total",
                              "Samples of callbacks that a scrape had no room for.",
                              collect_dropped, error);
    }
    return result;
}

struct meter_family *meter_register(struct meter *meter,
                                    const struct meter_description *description,
                                    struct meter_error *error)
{
    if (error != NULL) {
        *error = (struct meter_error){0};
    }
    if (meter == NULL || description == NULL) {
        (void)meter_fail(error, -EINVAL, "no registry or no description");
        return NULL;
    }
    if (register_own_families(meter, description, error) != 0) {
        return NULL;
    }
    struct meter_family *family;
    if (family_make(meter, description, &family, error) != 0) {
        return NULL;
    }
    if (make_only_series(family, error) != 0) {
        family_free(family);
        return NULL;
    }
    pthread_mutex_lock(&meter->lock);
    int result = link_family(meter, family, error);
    pthread_mutex_unlock(&meter->lock);
    if (result != 0) {
        family_free(family);
        errno = -result;
        return NULL;
    }
    return family;
}

const char *meter_version(void)
{
    return METER_VERSION;
}

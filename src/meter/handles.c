/* Getting and giving back handles; threads. */
#include "meter/handle.h"
#include "meter/table.h"
#include "meter/thread.h"

#include <errno.h>

enum way { KEEP, LOOK_UP };

static struct series *obtain(struct meter_family *family, enum meter_type type, enum way way,
                             const struct value_list *list)
{
    struct series *series = NULL;
    if (family->type != type) {
        errno = EINVAL;
        return NULL;
    }
    if (way == LOOK_UP) {
        meter_enter();
        series = series_find(family, list);
        meter_leave();
    }
    if (series == NULL) {
        int result = series_obtain(family, list, way == KEEP, &series);
        if (result != 0) {
            errno = -result;
            return NULL;
        }
    }
    return series;
}

static struct series *of_strings(struct meter_family *family, enum meter_type type, enum way way,
                                 const char *const *values)
{
    if (family == NULL) {
        errno = EINVAL;
        return NULL;
    }
    struct series *series = NULL;
    if (LIKELY(way == LOOK_UP && family->type == type)) {
        thread_section_begin();
        series = table_find_strings(family, values);
        thread_section_end();
        if (LIKELY(series != NULL)) {
            return series;
        }
    }
    struct value_list list;
    int result = value_list_of_strings(&list, values);
    if (result == 0) {
        series = obtain(family, type, way, &list);
    } else {
        errno = -result;
    }
    value_list_free(&list);
    return series;
}

static struct series *of_texts(struct meter_family *family, enum meter_type type, enum way way,
                               const struct meter_text *values, size_t count)
{
    if (family == NULL) {
        errno = EINVAL;
        return NULL;
    }
    struct value_list list;
    struct series *series = NULL;
    int result = value_list_of_texts(&list, values, count);
    if (result == 0) {
        series = obtain(family, type, way, &list);
    } else {
        errno = -result;
    }
    value_list_free(&list);
    return series;
}

#define DEFINE_HANDLES(kind, TYPE)                                                                 \
    struct meter_##kind *meter_##kind##_get(struct meter_family *family,                           \
                                            const char *const *values)                             \
    {                                                                                              \
        return (struct meter_##kind *)(void *)of_strings(family, TYPE, KEEP, values);              \
    }                                                                                              \
    void meter_##kind##_release(struct meter_##kind *handle)                                       \
    {                                                                                              \
        series_release((struct series *)(void *)handle);                                           \
    }

#define DEFINE_LOOKUP(kind, TYPE)                                                                  \
    struct meter_##kind *meter_##kind##_lookup(struct meter_family *family,                        \
                                               const char *const *values)                          \
    {                                                                                              \
        return (struct meter_##kind *)(void *)of_strings(family, TYPE, LOOK_UP, values);           \
    }

#define DEFINE_TEXT_FORMS(kind, TYPE)                                                              \
    struct meter_##kind *meter_##kind##_get_text(struct meter_family *family,                      \
                                                 const struct meter_text *values, size_t count)    \
    {                                                                                              \
        return (struct meter_##kind *)(void *)of_texts(family, TYPE, KEEP, values, count);         \
    }                                                                                              \
    struct meter_##kind *meter_##kind##_lookup_text(struct meter_family *family,                   \
                                                    const struct meter_text *values, size_t count) \
    {                                                                                              \
        return (struct meter_##kind *)(void *)of_texts(family, TYPE, LOOK_UP, values, count);      \
    }

DEFINE_HANDLES(counter, METER_COUNTER)
DEFINE_HANDLES(gauge, METER_GAUGE)
DEFINE_HANDLES(histogram, METER_HISTOGRAM)
DEFINE_HANDLES(summary, METER_SUMMARY)
DEFINE_HANDLES(state_set, METER_STATE_SET)
DEFINE_LOOKUP(counter, METER_COUNTER)
DEFINE_LOOKUP(gauge, METER_GAUGE)
DEFINE_LOOKUP(histogram, METER_HISTOGRAM)
DEFINE_LOOKUP(summary, METER_SUMMARY)
DEFINE_TEXT_FORMS(counter, METER_COUNTER)
DEFINE_TEXT_FORMS(gauge, METER_GAUGE)
DEFINE_TEXT_FORMS(histogram, METER_HISTOGRAM)

int meter_info_set(struct meter_family *family, const char *const *values)
{
    if (family == NULL) {
        return 0;
    }
    if (of_strings(family, METER_INFO, LOOK_UP, values) == NULL) {
        return -errno;
    }
    return 0;
}

int meter_thread_prepare(struct meter *meter)
{
    if (meter == NULL) {
        return 0;
    }
    uint32_t shard = thread_shard();
    if (shard == SHARED_SHARD) {
        return -EAGAIN;
    }
    return cell_pool_attach_all(&meter->pool, shard);
}

struct meter_counter *meter_new_counter(struct meter *meter, const char *name, const char *help)
{
    struct meter_description description = {.type = METER_COUNTER, .name = name, .help = help};
    struct meter_family *family = meter_register(meter, &description, NULL);
    return family == NULL ? NULL : meter_counter_get(family, NULL);
}

struct meter_gauge *meter_new_gauge(struct meter *meter, const char *name, const char *help)
{
    struct meter_description description = {.type = METER_GAUGE, .name = name, .help = help};
    struct meter_family *family = meter_register(meter, &description, NULL);
    return family == NULL ? NULL : meter_gauge_get(family, NULL);
}

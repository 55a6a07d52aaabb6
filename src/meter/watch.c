#include "meter/watch.h"

#include "base/assert.h"
#include "meter/histogram.h"
#include "meter/registry.h"

#include <errno.h>
#include <stdlib.h>

int meter_scrape_watch(struct meter_scrape *scrape, const char *family, meter_watch_function *watch,
                       void *context)
{
    if (scrape == NULL || family == NULL || watch == NULL) {
        return -EINVAL;
    }
    struct span name = span_from_string(family);
    struct meter_family *found = meter_first_family(scrape->meter);
    while (found != NULL && !span_equals(found->name, name)) {
        found = meter_next_family(found);
    }
    if (found == NULL) {
        return -ENOENT;
    }
    if (scrape->watch_count == METER_MAX_WATCHES) {
        return -ENOSPC;
    }
    if (scrape->watches == NULL) {
        scrape->watches = calloc(METER_MAX_WATCHES, sizeof *scrape->watches);
        if (scrape->watches == NULL) {
            return -ENOMEM;
        }
    }
    scrape->watches[scrape->watch_count++] = (struct scrape_watch){found, watch, context};
    return 0;
}

/* In the order of the description's names, which is not that of the page. */
static void list_values(const struct snapshot *snapshot, struct meter_text *values)
{
    const char *cursor = snapshot->values;
    for (unsigned i = 0; i < snapshot->family->label_count; i++) {
        struct span value = series_next_value(&cursor);
        values[snapshot->family->labels[i].value_index] =
            (struct meter_text){value.data, value.length};
    }
}

void watch_tell_slowly(const struct meter_scrape *scrape)
{
    const struct snapshot *snapshot = &scrape->snapshot;
    const struct meter_family *family = snapshot->family;
    struct meter_text values[METER_MAX_LABELS];
    bool listed = false;
    for (unsigned i = 0; i < scrape->watch_count; i++) {
        const struct scrape_watch *watch = &scrape->watches[i];
        if (watch->family != family) {
            continue;
        }
        if (!listed) {
            list_values(snapshot, values);
            listed = true;
        }
        struct meter_shown shown = {.values = values, .value_count = family->label_count};
        if (family->type == METER_HISTOGRAM || family->type == METER_SUMMARY) {
            shown.count = snapshot->count;
            shown.sum = snapshot->sum;
        } else {
            shown.value = snapshot->value;
        }
        if (family->type == METER_HISTOGRAM && family->histogram != NULL) {
            shown.buckets = snapshot->counts;
            shown.bucket_count = family->histogram->index.count + 1;
        }
        watch->watch(watch->context, &shown);
    }
}

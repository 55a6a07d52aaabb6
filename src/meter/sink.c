/* Callbacks: their samples are rendered at once into the scrape's staged memory. */
#include "meter/histogram.h"
#include "meter/protobuf.h"
#include "meter/scrape.h"
#include "meter/table.h"
#include "meter/text.h"
#include "meter/watch.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64

struct meter_sink {
    struct meter_scrape *scrape;
    uint64_t *seen; /* hash set of the label values emitted, 0 for empty; owned */
    size_t seen_slots;
    size_t seen_count;
    int error; /* what ends the scrape */
};

static bool is_seen(struct meter_sink *sink, uint64_t hash)
{
    size_t at = hash & (sink->seen_slots - 1);
    while (sink->seen[at] != 0 && sink->seen[at] != hash) {
        at = (at + 1) & (sink->seen_slots - 1);
    }
    bool seen = sink->seen[at] == hash;
    sink->seen[at] = hash;
    return seen;
}

static int grow_seen(struct meter_sink *sink)
{
    if (sink->seen_count * 2 < sink->seen_slots) {
        return 0;
    }
    struct meter_sink larger = {.seen_slots =
                                    sink->seen_slots == 0 ? FIRST_SLOTS : sink->seen_slots * 2};
    larger.seen = calloc(larger.seen_slots, sizeof larger.seen[0]);
    if (larger.seen == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < sink->seen_slots; i++) {
        if (sink->seen[i] != 0) {
            (void)is_seen(&larger, sink->seen[i]);
        }
    }
    free(sink->seen);
    sink->seen = larger.seen;
    sink->seen_slots = larger.seen_slots;
    return 0;
}

/* A duplicate series spoils the page for the scraper, so there can be none. */
static int refuse_duplicates(struct meter_sink *sink, const struct value_list *list)
{
    if (grow_seen(sink) != 0) {
        return -ENOMEM;
    }
    uint64_t hash = table_wide_hash(sink->scrape->family, list);
    if (is_seen(sink, hash == 0 ? 1 : hash)) {
        return -EEXIST;
    }
    sink->seen_count++;
    return 0;
}

static int render_text(struct meter_scrape *scrape)
{
    struct buffer *out = &scrape->staged;
    bool openmetrics = scrape->format == METER_OPENMETRICS;
    if (!scrape->header_done) {
        text_header(out, scrape->family, openmetrics);
    }
    unsigned lines = text_line_count(&scrape->snapshot, openmetrics);
    for (unsigned line = 0; line < lines && !out->overflowed; line++) {
        text_line(out, &scrape->snapshot, line, openmetrics);
    }
    return out->overflowed ? -ENOBUFS : 0;
}

/* Renders the snapshot's sample behind what is staged, making room up to the limit. */
static int render(struct meter_sink *sink)
{
    struct meter_scrape *scrape = sink->scrape;
    size_t limit = scrape->meter->options.max_staged_bytes;
    size_t mark = scrape->staged.length;
    for (;;) {
        scrape->staged.overflowed = false;
        int result =
            scrape->format == METER_PROTOBUF ? protobuf_stage_sample(scrape) : render_text(scrape);
        if (result == 0) {
            scrape->header_done = true;
            return 0;
        }
        scrape->staged.length = mark;
        if (scrape->staged.capacity >= limit) {
            __atomic_fetch_add(&scrape->family->dropped, 1, __ATOMIC_RELAXED);
            return -ENOSPC;
        }
        if (scrape_stage_reserve(scrape, scrape->staged.capacity + 1) != 0) {
            sink->error = -ENOMEM;
            return -ENOMEM;
        }
    }
}

/* The values as a series has them, in the order of names. */
static char *order_values(const struct meter_family *family, const struct value_list *list)
{
    size_t bytes = 1;
    for (size_t i = 0; i < list->count; i++) {
        bytes += sizeof(uint32_t) + list->items[i].length;
    }
    char *values = malloc(bytes);
    char *out = values;
    for (unsigned i = 0; values != NULL && i < family->label_count; i++) {
        struct span value = list->items[family->labels[i].value_index];
        uint32_t length = (uint32_t)value.length;
        memcpy(out, &length, sizeof length);
        memcpy(out + sizeof length, value.data, length);
        out += sizeof length + length;
    }
    return values;
}

static int emit(struct meter_sink *sink, const struct value_list *list)
{
    struct snapshot *snapshot = &sink->scrape->snapshot;
    const struct meter_family *family = sink->scrape->family;
    if (list->count != family->label_count) {
        return -EINVAL;
    }
    int result = refuse_duplicates(sink, list);
    if (result != 0) {
        return result;
    }
    char *values = order_values(family, list);
    if (values == NULL) {
        return -ENOMEM;
    }
    snapshot->series = NULL;
    snapshot->values = values;
    snapshot->needs_escape = true;
    snapshot->running = 0;
    snapshot->running_index = 0;
    result = render(sink);
    if (result == 0) {
        watch_tell(sink->scrape);
    }
    snapshot->values = NULL;
    free(values);
    return result;
}

static int emit_value(struct meter_sink *sink, const struct value_list *list, double value)
{
    if (sink->scrape->family->type == METER_HISTOGRAM) {
        return -EINVAL;
    }
    sink->scrape->snapshot.value = sink->scrape->family->type == METER_INFO ? 1 : value;
    return emit(sink, list);
}

int meter_emit(struct meter_sink *sink, const char *const *values, double value)
{
    struct value_list list;
    int result = sink == NULL ? -EINVAL : value_list_of_strings(&list, values);
    if (sink == NULL) {
        return result;
    }
    if (result == 0) {
        result = emit_value(sink, &list, value);
    }
    value_list_free(&list);
    return result;
}

int meter_emit_text(struct meter_sink *sink, const struct meter_text *values, size_t count,
                    double value)
{
    struct value_list list;
    int result = sink == NULL ? -EINVAL : value_list_of_texts(&list, values, count);
    if (sink == NULL) {
        return result;
    }
    if (result == 0) {
        result = emit_value(sink, &list, value);
    }
    value_list_free(&list);
    return result;
}

int meter_emit_histogram(struct meter_sink *sink, const char *const *values, const uint64_t *counts,
                         double sum)
{
    if (sink == NULL || counts == NULL || sink->scrape->family->type != METER_HISTOGRAM) {
        return -EINVAL;
    }
    struct value_list list;
    int result = value_list_of_strings(&list, values);
    if (result == 0) {
        struct snapshot *snapshot = &sink->scrape->snapshot;
        snapshot->sum = sum;
        snapshot->count = 0;
        for (uint32_t i = 0; i <= snapshot->family->histogram->index.count; i++) {
            snapshot->counts[i] = counts[i];
            snapshot->count += counts[i];
        }
        result = emit(sink, &list);
    }
    value_list_free(&list);
    return result;
}

uint64_t meter_samples_dropped(struct meter_family *family)
{
    return family == NULL ? 0 : __atomic_load_n(&family->dropped, __ATOMIC_RELAXED);
}

int scrape_collect(struct meter_scrape *scrape)
{
    struct meter_sink sink = {.scrape = scrape};
    scrape->family->collect(&sink, scrape->family->context);
    free(sink.seen);
    if (sink.error == 0 && scrape->format == METER_PROTOBUF) {
        protobuf_finish_samples(scrape);
    }
    return sink.error;
}

#include "app/scrape_log.h"

#include "app/route.h"
#include "base/assert.h"
#include "http/method.h"

#include <pthread.h>
#include <stdlib.h>

struct scrape_log {
    pthread_mutex_t lock;
    uint64_t added;
    struct scrape_record *entries[SCRAPE_LOG_ENTRIES]; /* owned, cut behind their last request */
};

struct scrape_log *scrape_log_new(void)
{
    struct scrape_log *log = calloc(1, sizeof *log);
    if (log != NULL) {
        pthread_mutex_init(&log->lock, NULL);
    }
    return log;
}

void scrape_log_free(struct scrape_log *log)
{
    if (log == NULL) {
        return;
    }
    for (size_t i = 0; i < SCRAPE_LOG_ENTRIES; i++) {
        free(log->entries[i]);
    }
    pthread_mutex_destroy(&log->lock);
    free(log);
}

static void see_latency(void *context, const struct meter_shown *shown)
{
    struct scrape_record *record = context;
    ASSERT(shown->bucket_count <= SCRAPE_MAX_BUCKETS);
    record->latency_count = shown->count;
    record->latency_sum_seconds = shown->sum;
    record->latency_bucket_count = (uint32_t)shown->bucket_count;
    uint64_t cumulative = 0;
    for (size_t i = 0; i < shown->bucket_count; i++) {
        cumulative += shown->buckets[i];
        record->latency_buckets[i] = cumulative;
    }
}

/* The labels are those that app/metrics.c made of the three numbers. */
static bool read_labels(const struct meter_shown *shown, struct scrape_requests *ret_requests)
{
    struct span texts[3];
    for (size_t i = 0; i < 3; i++) {
        texts[i] = span_of(shown->values[i].data, shown->values[i].length);
    }
    unsigned route = 0;
    while (route < ROUTE_COUNT && !span_equals(texts[0], route_at((enum route)route)->pattern)) {
        route++;
    }
    unsigned method = 0;
    while (method < METHOD_COUNT && !span_equals(texts[1], method_name((enum method)method))) {
        method++;
    }
    unsigned status = 0;
    for (size_t i = 0; i < texts[2].length; i++) {
        status = status * 10 + (unsigned)(texts[2].data[i] - '0');
    }
    *ret_requests = (struct scrape_requests){(uint64_t)shown->value, (uint8_t)route,
                                             (uint8_t)method, (uint16_t)status};
    return route < ROUTE_COUNT && method < METHOD_COUNT;
}

static void see_requests(void *context, const struct meter_shown *shown)
{
    struct scrape_record *record = context;
    ASSERT(shown->value_count == 3);
    if (record->request_count == SCRAPE_MAX_REQUESTS ||
        !read_labels(shown, &record->requests[record->request_count])) {
        record->requests_left_out++;
        return;
    }
    record->request_count++;
}

int scrape_record_follow(struct scrape_record *record, struct meter_scrape *scrape)
{
    int result =
        meter_scrape_watch(scrape, "httpserver_execution_latency_seconds", see_latency, record);
    return result == 0
               ? meter_scrape_watch(scrape, "httpserver_requests_total", see_requests, record)
               : result;
}

static size_t used_bytes(const struct scrape_record *record)
{
    return offsetof(struct scrape_record, requests) +
           record->request_count * sizeof record->requests[0];
}

void scrape_log_add(struct scrape_log *log, const struct scrape_record *record)
{
    struct scrape_record *copy = malloc(used_bytes(record));
    if (copy != NULL) {
        memcpy(copy, record, used_bytes(record));
    }
    pthread_mutex_lock(&log->lock);
    struct scrape_record **entry = &log->entries[log->added % SCRAPE_LOG_ENTRIES];
    struct scrape_record *oldest = *entry;
    log->added++;
    if (copy != NULL) {
        copy->number = log->added;
    }
    *entry = copy;
    pthread_mutex_unlock(&log->lock);
    free(oldest);
}

uint64_t scrape_log_added(struct scrape_log *log)
{
    pthread_mutex_lock(&log->lock);
    uint64_t added = log->added;
    pthread_mutex_unlock(&log->lock);
    return added;
}

bool scrape_log_copy(struct scrape_log *log, uint64_t number, struct scrape_record *ret_record)
{
    ASSERT(number > 0);
    pthread_mutex_lock(&log->lock);
    const struct scrape_record *entry = log->entries[(number - 1) % SCRAPE_LOG_ENTRIES];
    bool found = entry != NULL && entry->number == number;
    if (found) {
        memcpy(ret_record, entry, used_bytes(entry));
    }
    pthread_mutex_unlock(&log->lock);
    return found;
}

/*
 * What scrapers were told: for each of the last scrapes when it was, who asked, and the very totals
 * that its page showed, taken while the page was made. Any thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "meter.h"
#include "net/address.h"

#include <stdbool.h>
#include <stdint.h>

#define SCRAPE_LOG_ENTRIES 1000
#define SCRAPE_MAX_REQUESTS 256 /* samples of httpserver_requests_total that are kept of a page */
#define SCRAPE_MAX_BUCKETS 16
#define SCRAPE_USER_AGENT_BYTES 64

struct scrape_requests {
    uint64_t count;
    uint8_t route;  /* enum route */
    uint8_t method; /* enum method */
    uint16_t status;
};

struct scrape_record {
    uint64_t number; /* from 1; set by scrape_log_add */
    int64_t begun_realtime_ns, ended_realtime_ns;
    enum meter_format format;
    struct peer_address client;
    uint8_t user_agent_bytes; /* 0: it sent none */
    char user_agent[SCRAPE_USER_AGENT_BYTES];
    /* httpserver_execution_latency_seconds{step="total"} */
    uint64_t latency_count;
    double latency_sum_seconds;
    uint64_t latency_buckets[SCRAPE_MAX_BUCKETS]; /* cumulative */
    uint32_t latency_bucket_count;
    /* httpserver_requests_total */
    uint32_t requests_left_out;
    uint32_t request_count;
    struct scrape_requests requests[SCRAPE_MAX_REQUESTS];
};

struct scrape_log;

/* Owned by the caller; NULL without memory. */
WARN_UNUSED struct scrape_log *scrape_log_new(void);
void scrape_log_free(struct scrape_log *log); /* NULL is allowed */

/*
 * Has the scrape write what it shows into the record, which is all zero but for what is known
 * before, and must outlive it. Returns 0 or a negative errno.
 */
WARN_UNUSED int scrape_record_follow(struct scrape_record *record, struct meter_scrape *scrape);

/* Adds a copy, when the page was rendered to its end; without memory the entry stays empty. */
void scrape_log_add(struct scrape_log *log, const struct scrape_record *record);

/* How many were added; they are numbered from 1. */
uint64_t scrape_log_added(struct scrape_log *log);

/* False when it is no longer kept, or never was. */
WARN_UNUSED bool scrape_log_copy(struct scrape_log *log, uint64_t number,
                                 struct scrape_record *ret_record);

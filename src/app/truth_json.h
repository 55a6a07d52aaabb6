/*
 * The JSON of /truth, a member at a time. One thread at a time.
 */
#pragma once

#include "app/app.h"
#include "app/json_writer.h"
#include "app/truth_query.h"

struct request_total {
    uint64_t count;
    enum route route;
    enum method method;
    unsigned status;
};

enum truth_part { TRUTH_HEAD, TRUTH_RULES, TRUTH_REQUESTS, TRUTH_SCRAPES, TRUTH_END };

struct truth_json {
    struct app *app; /* not owned */
    struct truth_query query;
    struct truth_time now;
    struct truth_answer *answer;    /* owned */
    struct rule_views rules;        /* held */
    struct request_total *requests; /* owned */
    size_t request_count, request_capacity;
    bool without_memory;
    struct json_writer writer;
    enum truth_part part;
    bool in_part;    /* its opening has been written */
    unsigned entry;  /* of the rules' list: the next one */
    unsigned figure; /* of it, the next one */
    size_t next_request;
    uint64_t next_scrape, last_scrape; /* by number */
    struct scrape_record scrape;
};

/* Takes the figures. 0 or -ENOMEM; on success truth_json_end() must follow. */
WARN_UNUSED int truth_json_begin(struct truth_json *json, struct app *app,
                                 const struct truth_query *query);

/* Appends the next piece, less than 32 KiB; false at the end. */
bool truth_json_next(struct truth_json *json, struct buffer *out);

void truth_json_end(struct truth_json *json);

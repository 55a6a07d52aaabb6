/*
 * The JSON of the live feed: the event of a second, and what the page needs to know of the server
 * once. docs/live-page.md has the members. One thread at a time.
 */
#pragma once

#include "app/app.h"
#include "app/json_writer.h"
#include "latency/truth_series.h"

#define LIVE_STATUS_COUNT 1000

/* What is told of a second besides the series. */
struct live_second {
    int64_t realtime_ns; /* its end */
    int64_t covered_ns;  /* how long it really was */
    uint64_t in_flight;
    unsigned viewers;
    const struct rule_views *rules;
    const struct truth_series *series;
    uint64_t codes[LIVE_STATUS_COUNT]; /* requests of it, by status */
};

extern const struct truth_question live_question;

/*
 * Appends the second's object. Rules that have no room in `out` are left out of it and counted
 * there; if the rest has none, `overflowed` is set.
 */
void live_json_second(const struct app *app, const struct live_second *second, struct buffer *out);

/* Appends the head of the server's object, then one rule after the other, then its end. */
void live_json_server_head(const struct app *app, struct json_writer *json);
void live_json_server_rule(const struct rule_view *view, struct json_writer *json);
void live_json_server_end(struct json_writer *json);

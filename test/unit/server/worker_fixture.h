/*
 * Workers with an application, a meter and a done descriptor, as the server makes them.
 */
#pragma once

#include "../cmocka_includes.h"

#include "base/clock.h"
#include "server/server_metrics.h"
#include "server/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FIXTURE_WORKERS 2

struct worker_fixture {
    struct law *law;
    struct meter *meter;
    struct app app;
    struct worker workers[FIXTURE_WORKERS];
    int done_fd;
};

static struct worker_fixture fixture; /* large */

static inline void fixture_open(const char *law, bool logs)
{
    memset(&fixture, 0, sizeof fixture);
    fixture.meter = meter_new(NULL);
    assert_non_null(fixture.meter);
    fixture.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fixture.done_fd >= 0);
    struct law_limits limits = {.max_delay_ns = 60 * NS_PER_S};
    assert_int_equal(law_parse(span_from_string(law), &limits, &fixture.law, NULL), 0);
    struct app_settings settings = {
        .law = fixture.law,
        .identity = {.version = "v", .build_version = "b", .seed = "1"},
        .admin_everywhere = true,
        .meter = fixture.meter,
    };
    struct meter_error error = {0};
    assert_int_equal(app_init(&fixture.app, &settings, &error), 0);
    struct engine_settings engine_settings = {
        .max_connections = 16,
        .max_head_bytes = 16384,
        .max_body_bytes = 1000,
        .max_held_bytes = 1 << 20,
        .idle_timeout_ns = 600 * NS_PER_S,
        .head_timeout_ns = 600 * NS_PER_S,
        .body_timeout_ns = 600 * NS_PER_S,
        .write_timeout_ns = 600 * NS_PER_S,
    };
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        assert_int_equal(
            worker_init(&fixture.workers[i], &fixture.app, &engine_settings, logs, fixture.done_fd),
            0);
    }
}

static inline void fixture_close(void)
{
    for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
        worker_destroy(&fixture.workers[i]);
    }
    meter_free(fixture.meter);
    app_destroy(&fixture.app);
    law_free(fixture.law);
    close(fixture.done_fd);
}

/* Whether the metrics page has this line. */
static inline bool page_has_line(const char *line)
{
    size_t length = 0, line_length = strlen(line);
    char *page = meter_render(fixture.meter, METER_TEXT, &length);
    assert_non_null(page);
    bool found = false;
    for (const char *at = page; (at = strstr(at, line)) != NULL; at++) {
        found |= (at == page || at[-1] == '\n') && at[line_length] == '\n';
    }
    free(page);
    return found;
}

static inline void assert_page_line(const char *line)
{
    if (!page_has_line(line)) {
        fail_msg("the page has no line: %s", line);
    }
}

/*
 * An application with one worker and no engine: requests are parsed from text, and what the engine
 * would call is called one after the other.
 */
#pragma once

#include "../cmocka_includes.h"

#include "app/app.h"
#include "base/compiler.h"
#include "http/response.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURE_VERSION "1.2-test"
#define FIXTURE_BUILD_VERSION "0.9-build"
#define FIXTURE_SEED_KEY 77

struct app_fixture {
    struct law *law;
    struct meter *meter;
    struct app app;
    struct app_worker worker;
    struct response_clock clock;
    struct exchange exchange; /* of the request that was begun last */
    struct request request;
    char head[4096];
    char keep[4096];
    char output[65536];
    size_t output_bytes;
    ssize_t content_end; /* what the source said last; see fixture_respond_whole() */
    int64_t content_ns;  /* and when, since the start */
};

static inline void fixture_open(struct app_fixture *fixture, const char *law, bool admin_everywhere)
{
    *fixture = (struct app_fixture){.meter = meter_new(NULL)};
    assert_non_null(fixture->meter);
    struct law_limits limits = {.max_delay_ns = INT64_C(60000000000)};
    assert_int_equal(law_parse(span_from_string(law), &limits, &fixture->law, NULL), 0);
    struct app_settings settings = {
        .law = fixture->law,
        .seed_key = FIXTURE_SEED_KEY,
        .identity = {.version = FIXTURE_VERSION,
                     .build_version = FIXTURE_BUILD_VERSION,
                     .seed = "5@a"},
        .admin_everywhere = admin_everywhere,
        .request_faults = true,
        .wishes = {.max_delay_ns = INT64_C(60000000000),
                   .max_size = 1 << 20,
                   .max_burn_ns = 100000000},
        .meter = fixture->meter,
    };
    struct meter_error error = {0};
    assert_int_equal(app_init(&fixture->app, &settings, &error), 0);
    assert_int_equal(app_worker_init(&fixture->worker, &fixture->app, 80), 0);
    response_clock_update(&fixture->clock, 1);
}

static inline void fixture_close(struct app_fixture *fixture)
{
    meter_free(fixture->meter);
    app_worker_destroy(&fixture->worker);
    app_destroy(&fixture->app);
    law_free(fixture->law);
}

/* "GET /path", and field lines that each end in CRLF. */
static inline void fixture_parse(struct app_fixture *fixture, const char *line, const char *fields)
{
    int length = snprintf(fixture->head, sizeof fixture->head,
                          "%s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", line, fields);
    assert_in_range(length, 1, sizeof fixture->head - 1);
    struct request_limits limits = {.max_head_bytes = sizeof fixture->head};
    struct request_error error = {0};
    size_t head_bytes = 0;
    enum request_result result = request_parse(span_of(fixture->head, (size_t)length), &limits,
                                               &fixture->request, &head_bytes, &error);
    if (result != REQUEST_COMPLETE) {
        fail_msg("%s: %u %s", line, error.status, error.reason == NULL ? "" : error.reason);
    }
}

/* As the engine does for a request whose head was parsed. */
static inline void fixture_begin(struct app_fixture *fixture, enum surface surface,
                                 const char *line, const char *fields)
{
    fixture_parse(fixture, line, fields);
    fixture->exchange = (struct exchange){
        .started_ns = 1000,
        .delay_ns = ACCESS_DELAY_NONE,
        .method_name = fixture->request.method_name,
        .target = fixture->request.target,
        .client = {.family = AF_INET, .bytes = {127, 0, 0, 1}, .port = 9},
        .method = (uint8_t)fixture->request.method,
        .minor_version = fixture->request.minor_version,
        .surface = (uint8_t)surface,
        .keep_alive = fixture->request.keep_alive,
    };
    struct buffer keep = buffer_over(fixture->keep, sizeof fixture->keep);
    app_begin(&fixture->worker, &fixture->exchange, &fixture->request, &keep);
    assert_false(keep.overflowed);
    fixture->exchange.kept = buffer_span(&keep);
}

/* The answer's bytes as a string, in the fixture. */
static inline const char *fixture_respond(struct app_fixture *fixture)
{
    /* The engine has dropped the request by now. */
    memset(fixture->head, '#', sizeof fixture->head);
    memset(&fixture->request, 0xee, sizeof fixture->request);
    fixture->exchange.method_name = SPAN("");
    fixture->exchange.target = SPAN("");
    struct buffer output = buffer_over(fixture->output, sizeof fixture->output - 1);
    struct response response = {&output, &fixture->exchange, &fixture->clock};
    app_respond(&fixture->worker, &fixture->exchange, &response);
    assert_false(output.overflowed);
    fixture->output_bytes = output.length;
    fixture->output[output.length] = '\0';
    return fixture->output;
}

/* As the engine does: the body comes behind what begin() kept. */
static inline void fixture_add_body(struct app_fixture *fixture, const char *body)
{
    struct span *kept = &fixture->exchange.kept;
    size_t bytes = strlen(body);
    fixture->exchange.body_cut = bytes > fixture->exchange.body_room;
    bytes = fixture->exchange.body_cut ? fixture->exchange.body_room : bytes;
    assert_true(kept->length + bytes <= sizeof fixture->keep);
    memcpy(fixture->keep + kept->length, body, bytes);
    *kept = span_of(fixture->keep, kept->length + bytes);
}

/* The answer and, behind its head, what its source gives until it ends or fails. */
static inline const char *fixture_respond_whole(struct app_fixture *fixture)
{
    (void)fixture_respond(fixture);
    struct content_source source = fixture->exchange.source;
    if (source.pull == NULL) {
        return fixture->output;
    }
    char *at = stpcpy(fixture->output + fixture->output_bytes, "\r\n");
    struct content_pace pace = {.now_ns = 1000, .kept = fixture->exchange.kept};
    for (;;) {
        size_t room = sizeof fixture->output - 1 - (size_t)(at - fixture->output);
        assert_true(room > 0);
        ssize_t got = source.pull(source.context, at, room < 1000 ? room : 1000, &pace);
        if (got == -EAGAIN) {
            assert_true(pace.resume_ns > pace.now_ns);
            pace.now_ns = pace.resume_ns;
        } else if (got <= 0) {
            fixture->content_end = got;
            break;
        } else {
            at += got;
        }
    }
    *at = '\0';
    fixture->output_bytes = (size_t)(at - fixture->output);
    fixture->content_ns = pace.now_ns - 1000;
    source.close(source.context, fixture->content_end == 0);
    return fixture->output;
}

static inline const char *fixture_answer(struct app_fixture *fixture, enum surface surface,
                                         const char *line, const char *fields)
{
    fixture_begin(fixture, surface, line, fields);
    return fixture_respond(fixture);
}

static inline void fixture_complete(struct app_fixture *fixture, int64_t took_ns)
{
    struct completion completion = {
        .exchange = &fixture->exchange,
        .completed_ns = fixture->exchange.started_ns + took_ns,
        .completed_realtime_ns = 1,
    };
    app_complete(&fixture->worker, &completion);
}

/* Whether the metrics page has this line. */
static inline bool page_has_line(struct meter *meter, const char *line)
{
    size_t length = 0;
    char *page = meter_render(meter, METER_TEXT, &length);
    assert_non_null(page);
    bool found = false;
    size_t line_length = strlen(line);
    for (const char *at = page; (at = strstr(at, line)) != NULL; at++) {
        found |= (at == page || at[-1] == '\n') && at[line_length] == '\n';
    }
    free(page);
    return found;
}

static inline void assert_page_line(struct meter *meter, const char *line)
{
    if (!page_has_line(meter, line)) {
        fail_msg("the page has no line: %s", line);
    }
}

/* Whether any line of the page begins so. */
static inline bool page_has_prefix(struct meter *meter, const char *prefix)
{
    size_t length = 0;
    char *page = meter_render(meter, METER_TEXT, &length);
    assert_non_null(page);
    bool found = false;
    for (const char *at = page; (at = strstr(at, prefix)) != NULL; at++) {
        found |= at == page || at[-1] == '\n';
    }
    free(page);
    return found;
}

/* The content behind the head. */
static inline const char *content_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

/* Whether the head has this field line; the name is compared as it is. */
static inline bool head_has_line(const char *answer, const char *line)
{
    char wanted[512];
    snprintf(wanted, sizeof wanted, "\r\n%s\r\n", line);
    const char *end = strstr(answer, "\r\n\r\n");
    const char *found = strstr(answer, wanted);
    return found != NULL && end != NULL && found <= end;
}

static inline void assert_head_line(const char *answer, const char *line)
{
    if (!head_has_line(answer, line)) {
        fail_msg("no line \"%s\" in: %s", line, answer);
    }
}

static inline void assert_status(const char *answer, const char *status)
{
    char wanted[64];
    int length = snprintf(wanted, sizeof wanted, "HTTP/1.1 %s\r\ndate: ", status);
    if (strncmp(answer, wanted, (size_t)length) != 0) {
        fail_msg("not %s: %s", status, answer);
    }
}

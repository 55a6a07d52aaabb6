#include "app_fixture.h"

#include "app/live.h"
#include "base/clock.h"

static void tick(struct app_fixture *fixture, int64_t second)
{
    struct truth_time started = fixture->app.truth.started;
    (void)live_tick(fixture->app.live,
                    (struct truth_time){
                        .realtime_ns = (started.realtime_ns / NS_PER_S + second) * NS_PER_S,
                        .monotonic_ns = started.monotonic_ns + second * NS_PER_S,
                    },
                    0);
}

/* What the viewer gets now; a string in the fixture. */
static const char *pull(struct app_fixture *fixture, bool draining, ssize_t *ret_last)
{
    struct content_source *source = &fixture->exchange.source;
    struct content_pace pace = {.now_ns = 5000, .draining = draining};
    size_t length = 0;
    ssize_t got = 0;
    while ((got = source->pull(source->context, fixture->output + length,
                               sizeof fixture->output - 1 - length, &pace)) > 0) {
        length += (size_t)got;
    }
    fixture->output[length] = '\0';
    *ret_last = got;
    assert_true(got != -EAGAIN || pace.resume_ns > pace.now_ns);
    return fixture->output;
}

static void close_viewer(struct app_fixture *fixture)
{
    struct content_source *source = &fixture->exchange.source;
    source->close(source->context, false);
}

static void a_viewer_is_greeted_and_told_each_second(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    tick(&fixture, 1);
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /events", "");
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "\r\ncontent-type: text/event-stream\r\n"));
    assert_non_null(strstr(answer, "\r\ncache-control: no-store\r\n"));
    assert_non_null(strstr(answer, "\r\nx-accel-buffering: no\r\n"));
    assert_int_equal(live_viewers(fixture.app.live), 1);
    ssize_t last = 0;
    const char *text = pull(&fixture, false, &last);
    assert_memory_equal(text, "retry: 1000\n\nid: ", 17);
    assert_non_null(strstr(text, "-1\ndata: {"));
    assert_int_equal(last, -EAGAIN);
    assert_string_equal(pull(&fixture, false, &last), "");
    tick(&fixture, 2);
    text = pull(&fixture, false, &last);
    assert_memory_equal(text, "id: ", 4);
    assert_non_null(strstr(text, "-2\ndata: {"));
    close_viewer(&fixture);
    assert_int_equal(live_viewers(fixture.app.live), 0);
    fixture_close(&fixture);
}

static void who_comes_back_is_told_what_was_missed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (int64_t second = 1; second <= 4; second++) {
        tick(&fixture, second);
    }
    char field[128];
    snprintf(field, sizeof field, "Last-Event-ID: %lld-3\r\n",
             (long long)fixture.app.truth.started.realtime_ns);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /events", field);
    ssize_t last = 0;
    const char *text = pull(&fixture, false, &last);
    assert_null(strstr(text, "-3\ndata: {"));
    assert_non_null(strstr(text, "-4\ndata: {"));
    close_viewer(&fixture);
    fixture_close(&fixture);
}

static void the_end_is_told(void **state)
{
    (void)state;
    struct app_fixture fixture;
    for (unsigned by_engine = 0; by_engine < 2; by_engine++) {
        fixture_open(&fixture, "none", true);
        (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /events", "");
        ssize_t last = 0;
        (void)pull(&fixture, false, &last);
        if (by_engine == 0) {
            live_end(fixture.app.live);
        }
        assert_string_equal(pull(&fixture, by_engine == 1, &last), "event: draining\ndata: {}\n\n");
        assert_int_equal(last, 0);
        close_viewer(&fixture);
        fixture_close(&fixture);
    }
}

/* Within an event, it is brought to its end first: what a viewer gets is whole events. */
static void an_event_is_told_whole_before_the_end(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    tick(&fixture, 1);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /events", "");
    struct content_source *source = &fixture.exchange.source;
    struct content_pace pace = {.now_ns = 5000};
    char memory[16];
    assert_int_equal(source->pull(source->context, memory, sizeof memory, &pace), 13);
    assert_int_equal(source->pull(source->context, memory, sizeof memory, &pace), 16);
    live_end(fixture.app.live);
    ssize_t last = 0;
    const char *text = pull(&fixture, true, &last);
    assert_non_null(strstr(text, "}\n\nevent: draining\ndata: {}\n\n"));
    assert_int_equal(last, 0);
    close_viewer(&fixture);
    fixture_close(&fixture);
}

static void one_too_many_is_refused(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (unsigned i = 0; i < LIVE_MAX_VIEWERS; i++) {
        assert_true(live_add_viewer(fixture.app.live));
    }
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /events", "");
    assert_status(answer, "503 Service Unavailable");
    assert_null(fixture.exchange.source.pull);
    fixture_complete(&fixture, 1);
    assert_page_line(fixture.meter,
                     "httpserver_requests_total{code=\"503\",method=\"GET\",route=\"/events\"} 1");
    assert_int_equal(live_viewers(fixture.app.live), LIVE_MAX_VIEWERS);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_viewer_is_greeted_and_told_each_second),
        cmocka_unit_test(who_comes_back_is_told_what_was_missed),
        cmocka_unit_test(the_end_is_told),
        cmocka_unit_test(an_event_is_told_whole_before_the_end),
        cmocka_unit_test(one_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "app_fixture.h"

#include "app/live.h"
#include "base/clock.h"

#include <errno.h>

#define READ_BYTES 65536

static struct truth_time after(const struct app_fixture *fixture, int64_t seconds)
{
    struct truth_time started = fixture->app.truth.started;
    return (struct truth_time){
        .realtime_ns = (started.realtime_ns / NS_PER_S + seconds) * NS_PER_S,
        .monotonic_ns = started.monotonic_ns + seconds * NS_PER_S,
    };
}

static void tick_until(struct app_fixture *fixture, int64_t first, int64_t last)
{
    for (int64_t second = first; second <= last; second++) {
        struct truth_time now = after(fixture, second);
        assert_true(live_tick(fixture->app.live, now, 3) == now.monotonic_ns + NS_PER_S);
    }
}

/* All that there is, in pieces of at most `piece` bytes. */
static const char *read_all(struct app_fixture *fixture, struct live_position *position,
                            size_t piece)
{
    static char text[LIVE_HISTORY_BYTES + 1];
    size_t length = 0;
    int64_t again_ns = 0;
    for (;;) {
        assert_true(length + piece < sizeof text);
        ssize_t got = live_read(fixture->app.live, position, text + length, piece, 5000, &again_ns);
        if (got <= 0) {
            assert_int_equal(got, -EAGAIN);
            assert_true(again_ns > 5000);
            text[length] = '\0';
            return text;
        }
        length += (size_t)got;
    }
}

static unsigned events_in(const char *text)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, "\ndata: {")) != NULL; at++) {
        count++;
    }
    return count;
}

static void a_second_is_told_when_it_has_ended(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    struct live_position position = {0};
    struct truth_time started = fixture.app.truth.started;
    assert_true(live_tick(fixture.app.live, started, 0) > started.monotonic_ns);
    assert_string_equal(read_all(&fixture, &position, READ_BYTES), "");
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
    fixture.exchange.waited_ns = 1000000;
    fixture_complete(&fixture, 1500000);
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /healthz", "");
    fixture_complete(&fixture, 1000);
    tick_until(&fixture, 1, 1);
    const char *text = read_all(&fixture, &position, READ_BYTES);
    assert_int_equal(events_in(text), 1);
    assert_memory_equal(text, "id: ", 4);
    assert_non_null(strstr(text, "-1\ndata: {\"time\":"));
    assert_non_null(strstr(text, "\"in_flight\":3,"));
    assert_non_null(strstr(text, "\"codes\":{\"200\":1},")); /* not that of the probe */
    assert_non_null(strstr(text, "\"rule\":\"default\",\"in_force\":true,\"draws\":0,"
                                 "\"law\":[0.001,0.001,0.001],\"count\":1,\"bins\":["));
    assert_non_null(strstr(text, "\"sum_seconds\":0.0015"));
    assert_string_equal(text + strlen(text) - 2, "\n\n");
    assert_string_equal(read_all(&fixture, &position, READ_BYTES), "");
    fixture_close(&fixture);
}

static void five_minutes_are_kept_and_a_viewer_goes_on_where_it_was(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    tick_until(&fixture, 1, 310);
    struct live_position position = {0};
    assert_int_equal(events_in(read_all(&fixture, &position, READ_BYTES)), LIVE_HISTORY_SECONDS);
    char id[64];
    struct buffer text = buffer_over(id, sizeof id);
    buffer_append_u64(&text, (uint64_t)fixture.app.truth.started.realtime_ns);
    buffer_append_span(&text, SPAN("-307"));
    position = live_position_behind(fixture.app.live, buffer_span(&text));
    assert_int_equal(events_in(read_all(&fixture, &position, 100)), 3);
    /* What is not an id of this feed's is none: all is told. */
    static const char *const others[] = {"", "-", "1-307", "x-1", "999999999999999999999999-1"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        position = live_position_behind(fixture.app.live, span_from_string(others[i]));
        assert_int_equal(position.event, 0);
    }
    buffer_append_span(&text, SPAN("x"));
    assert_int_equal(live_position_behind(fixture.app.live, buffer_span(&text)).event, 0);
    text.length -= 4;
    buffer_append_span(&text, SPAN("99999999999"));
    position = live_position_behind(fixture.app.live, buffer_span(&text));
    assert_int_equal(events_in(read_all(&fixture, &position, READ_BYTES)), LIVE_HISTORY_SECONDS);
    fixture_close(&fixture);
}

/* Small pieces of what is long give the same bytes, and the memory is used round and round. */
static void pieces_are_the_whole(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    for (int64_t second = 1; second <= 600; second++) {
        for (int64_t i = 0; second < 400 && i < 400; i++) {
            (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /", "");
            fixture_complete(&fixture, 1000 + i * i * i * 40);
        }
        tick_until(&fixture, second, second);
    }
    struct live_position one = {0}, other = {0};
    char *whole = strdup(read_all(&fixture, &one, READ_BYTES));
    assert_non_null(whole);
    assert_string_equal(read_all(&fixture, &other, 7), whole);
    unsigned events = events_in(whole);
    assert_in_range(events, 250, LIVE_HISTORY_SECONDS);
    free(whole);
    fixture_close(&fixture);
}

static void a_viewer_that_lost_its_event_is_cut(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    tick_until(&fixture, 1, 1);
    struct live_position position = {0};
    char memory[16];
    int64_t again_ns = 0;
    assert_int_equal(live_read(fixture.app.live, &position, memory, sizeof memory, 0, &again_ns),
                     16);
    tick_until(&fixture, 2, 301);
    assert_int_equal(live_read(fixture.app.live, &position, memory, sizeof memory, 0, &again_ns),
                     -EPIPE);
    fixture_close(&fixture);
}

static void viewers_are_bounded_and_the_end_is_told(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    for (unsigned i = 0; i < LIVE_MAX_VIEWERS; i++) {
        assert_true(live_add_viewer(fixture.app.live));
    }
    assert_false(live_add_viewer(fixture.app.live));
    assert_int_equal(live_viewers(fixture.app.live), LIVE_MAX_VIEWERS);
    assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /events", ""),
                  "503 Service Unavailable");
    live_remove_viewer(fixture.app.live);
    assert_true(live_add_viewer(fixture.app.live));
    live_remove_viewer(fixture.app.live);
    tick_until(&fixture, 1, 1);
    live_end(fixture.app.live);
    assert_false(live_add_viewer(fixture.app.live));
    struct live_position position = {0};
    char memory[16];
    int64_t again_ns = 0;
    assert_int_equal(live_read(fixture.app.live, &position, memory, sizeof memory, 0, &again_ns),
                     0);
    fixture_close(&fixture);
}

static void a_wall_clock_that_is_set_back_goes_on(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    tick_until(&fixture, 1, 100);
    struct truth_time back = after(&fixture, 101);
    back.realtime_ns -= 50 * NS_PER_S;
    assert_true(live_tick(fixture.app.live, back, 0) <= back.monotonic_ns + NS_PER_S);
    back.realtime_ns += NS_PER_S;
    back.monotonic_ns += NS_PER_S;
    (void)live_tick(fixture.app.live, back, 0);
    struct live_position position = {0};
    assert_int_equal(events_in(read_all(&fixture, &position, READ_BYTES)), 101);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_is_told_when_it_has_ended),
        cmocka_unit_test(five_minutes_are_kept_and_a_viewer_goes_on_where_it_was),
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(a_viewer_that_lost_its_event_is_cut),
        cmocka_unit_test(viewers_are_bounded_and_the_end_is_told),
        cmocka_unit_test(a_wall_clock_that_is_set_back_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

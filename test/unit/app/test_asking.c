#include "app_fixture.h"

#include "app/asking.h"
#include "latency/draw.h"

static bool may(struct app_fixture *fixture, const char *line, const char *fields)
{
    fixture_parse(fixture, line, fields);
    enum route route = route_find(fixture->request.path, SURFACE_PUBLIC);
    return asking_may(&fixture->app, route_at(route), &fixture->request);
}

/* Only who has to is looked at more closely: all others take the short way. */
static void requests_that_ask_are_told_from_others(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    assert_false(may(&fixture, "GET /", ""));
    assert_false(may(&fixture, "GET /", "accept: x\r\ndelay: 1s\r\n"));
    assert_true(may(&fixture, "GET /?", "") == (fixture.request.query.length > 0));
    assert_true(may(&fixture, "GET /?a", ""));
    assert_true(may(&fixture, "GET /", "X-Delay: 1s\r\n"));
    assert_true(may(&fixture, "GET /delay/1s", ""));
    fixture.app.settings.request_faults = false;
    assert_false(may(&fixture, "GET /?delay=1s", "x-delay: 1s\r\n"));
    assert_true(may(&fixture, "GET /delay/1s", ""));
    fixture_close(&fixture);
}

static void a_delay_that_was_asked_for_is_no_draw_of_the_rule(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "uniform(0s,2s)", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /?delay=5ms", "");
    assert_int_equal(fixture.exchange.delay_ns, 5000000);
    assert_false(fixture.exchange.drew);
    assert_int_equal(fixture.exchange.rule, RULE_BOOK_NO_SLOT);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "x-delay: 6ms\r\n");
    assert_int_equal(fixture.exchange.delay_ns, 6000000);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_true(fixture.exchange.drew);
    assert_int_equal(fixture.exchange.ordinal, 0);
    assert_int_not_equal(fixture.exchange.rule, RULE_BOOK_NO_SLOT);
    fixture_complete(&fixture, 1);
    fixture_close(&fixture);
}

static void draws_that_were_asked_for_have_ordinals_of_their_own(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "uniform(0s,2s)", true);
    for (uint64_t ordinal = 0; ordinal < 3; ordinal++) {
        fixture_begin(&fixture, SURFACE_PUBLIC, "GET /?delay=exp(100ms)", "");
        assert_true(fixture.exchange.drew);
        assert_int_equal(fixture.exchange.ordinal, ordinal);
        struct law *law = NULL;
        struct law_limits limits = {.max_delay_ns = INT64_C(60000000000)};
        assert_int_equal(law_parse(SPAN("exp(100ms)"), &limits, &law, NULL), 0);
        assert_int_equal(fixture.exchange.delay_ns,
                         draw_delay_ns(law, FIXTURE_SEED_KEY, ordinal, DRAW_REQUEST_RULE));
        law_free(law);
        /* What needs no draw takes no ordinal. */
        fixture_begin(&fixture, SURFACE_PUBLIC, "GET /?delay=1ms", "");
        assert_false(fixture.exchange.drew);
    }
    fixture_close(&fixture);
}

static void what_else_is_asked_for_leaves_the_rules_delay(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(7ms)", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /?status=503", "");
    assert_int_equal(fixture.exchange.delay_ns, 7000000);
    assert_int_equal(fixture.exchange.status, 503);
    assert_true(fixture.exchange.shaped);
    assert_false(fixture.exchange.refused);
    assert_int_not_equal(fixture.exchange.rule, RULE_BOOK_NO_SLOT);
    fixture_complete(&fixture, 1);
    fixture_close(&fixture);
}

static void what_cannot_be_is_refused_and_leaves_nothing_behind(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(7ms)", true);
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"GET /?delay=61s", "delay: it is beyond the limit of 60s\n"},
        {"GET /?status=600&size=3", "status: "},
        {"POST /echo?size=x", "size: "},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        fixture_begin(&fixture, SURFACE_PUBLIC, cases[i].line, "content-length: 5\r\n");
        assert_int_equal(fixture.exchange.status, 400);
        assert_true(fixture.exchange.refused);
        assert_false(fixture.exchange.shaped);
        assert_int_equal(fixture.exchange.delay_ns, ACCESS_DELAY_NONE);
        assert_int_equal(fixture.exchange.body_room, 0);
        assert_int_equal(fixture.exchange.rule, RULE_BOOK_NO_SLOT);
        const char *answer = fixture_respond(&fixture);
        assert_status(answer, "400 Bad Request");
        assert_memory_equal(content_of(answer), cases[i].said, strlen(cases[i].said));
    }
    fixture.app.settings.request_faults = false;
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /?delay=61s", "");
    assert_int_equal(fixture.exchange.status, 200);
    assert_int_equal(fixture.exchange.delay_ns, 7000000);
    fixture_complete(&fixture, 1);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_ask_are_told_from_others),
        cmocka_unit_test(a_delay_that_was_asked_for_is_no_draw_of_the_rule),
        cmocka_unit_test(draws_that_were_asked_for_have_ordinals_of_their_own),
        cmocka_unit_test(what_else_is_asked_for_leaves_the_rules_delay),
        cmocka_unit_test(what_cannot_be_is_refused_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "app_fixture.h"

#include "app/effect.h"
#include "http/status.h"

#include <time.h>

/* The whole answer of a route that keeps nothing, with an effect of a rule. */
static const char *answer_with(struct app_fixture *fixture, const char *line,
                               const struct outcome *outcome)
{
    fixture_begin(fixture, SURFACE_PUBLIC, line, "");
    struct buffer keep = buffer_over(fixture->keep, sizeof fixture->keep);
    effect_begin(&fixture->exchange, &(struct effect){.outcome = *outcome}, &keep);
    fixture->exchange.kept = buffer_span(&keep);
    return fixture_respond_whole(fixture);
}

static void a_delay_alone_is_no_effect(void **state)
{
    (void)state;
    struct outcome outcome = OUTCOME_PLAIN;
    assert_true(effect_is_none(&outcome));
    outcome.delay_ns = 5;
    outcome.drew = true;
    outcome.ordinal = 7;
    outcome.rule = 3;
    assert_true(effect_is_none(&outcome));
    const struct outcome effects[] = {
        {.size = OUTCOME_OWN_SIZE, .status = 500},
        {.size = 0},
        {.size = OUTCOME_OWN_SIZE, .bytes_per_second = 1024},
        {.size = OUTCOME_OWN_SIZE, .drip_ns = 1},
        {.size = OUTCOME_OWN_SIZE, .burn_ns = 1},
        {.size = OUTCOME_OWN_SIZE, .abort = OUTCOME_ABORT_BODY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(effects); i++) {
        assert_false(effect_is_none(&effects[i]));
    }
}

static void a_status_takes_the_place_of_the_answer(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *line; /* what the status wants beside it */
    } cases[] = {
        {300, NULL},
        {401, "www-authenticate: Basic realm=\"injected\""},
        {404, NULL},
        {405, "allow: GET, HEAD, OPTIONS"},
        {407, "proxy-authenticate: Basic realm=\"injected\""},
        {426, "upgrade: h2c"},
        {503, NULL},
        {599, NULL},
    };
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct outcome outcome = OUTCOME_PLAIN;
        outcome.status = cases[i].status;
        const char *answer = answer_with(&fixture, "GET /version", &outcome);
        assert_int_equal(fixture.exchange.status, cases[i].status);
        assert_head_line(answer, "x-injected: rule; status");
        if (cases[i].line != NULL) {
            assert_head_line(answer, cases[i].line);
        }
        char wanted[128];
        struct span reason = status_reason(cases[i].status);
        snprintf(wanted, sizeof wanted, "%u %.*s: injected by a rule\n", cases[i].status,
                 (int)reason.length, reason.data);
        assert_string_equal(content_of(answer), wanted);
    }
    fixture_close(&fixture);
}

static void some_statuses_have_no_content(void **state)
{
    (void)state;
    static const uint16_t statuses[] = {204, 205, 304};
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
        struct outcome outcome = OUTCOME_PLAIN;
        outcome.status = statuses[i];
        outcome.size = 100; /* even when a size is wanted */
        const char *answer = answer_with(&fixture, "GET /version", &outcome);
        assert_head_line(answer, "x-injected: rule; status, size");
        assert_string_equal(content_of(answer), "");
        assert_int_equal(strstr(answer, "content-length") != NULL, statuses[i] == 205);
    }
    fixture_close(&fixture);
}

static void a_status_of_success_keeps_the_content(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct outcome outcome = OUTCOME_PLAIN;
    char own[256];
    snprintf(own, sizeof own, "%s",
             content_of(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /version", "")));
    outcome.status = 202;
    const char *answer = answer_with(&fixture, "GET /version", &outcome);
    assert_status(answer, "202 Accepted");
    assert_string_equal(content_of(answer), own);
    assert_head_line(answer, "x-injected: rule; status");
    fixture_close(&fixture);
}

static void size_and_pace_are_as_wanted(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    char own[256];
    snprintf(own, sizeof own, "%s",
             content_of(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /version", "")));
    struct outcome outcome = OUTCOME_PLAIN;
    outcome.size = 30;
    const char *answer = answer_with(&fixture, "GET /version", &outcome);
    assert_string_equal(content_of(answer), "abcdefghijklmnopqrstuvwxyz\nabc");
    assert_int_equal(fixture.exchange.source.length, 30);
    outcome.size = 0;
    assert_string_equal(content_of(answer_with(&fixture, "GET /version", &outcome)), "");
    outcome = OUTCOME_PLAIN;
    outcome.drip_ns = 5000000;
    answer = answer_with(&fixture, "GET /version", &outcome);
    assert_head_line(answer, "x-injected: rule; drip");
    assert_string_equal(content_of(answer), own);
    assert_int_equal(fixture.content_ns, 5000000);
    outcome = OUTCOME_PLAIN;
    outcome.bytes_per_second = 1024;
    outcome.size = 2048;
    answer = answer_with(&fixture, "GET /version", &outcome);
    assert_head_line(answer, "x-injected: rule; size, bandwidth");
    assert_int_equal(fixture.content_ns, 2000000000);
    /* HEAD says what GET would have, and has nothing. */
    outcome = OUTCOME_PLAIN;
    outcome.drip_ns = 5000000;
    answer = answer_with(&fixture, "HEAD /version", &outcome);
    char line[64];
    snprintf(line, sizeof line, "content-length: %zu", strlen(own));
    assert_head_line(answer, line);
    assert_string_equal(content_of(answer), "");
    fixture_close(&fixture);
}

static void an_abort_cuts_where_it_says(void **state)
{
    (void)state;
    static const struct {
        uint8_t abort, cut;
    } cases[] = {
        {OUTCOME_ABORT_NONE, RESPONSE_WHOLE},
        {OUTCOME_ABORT_BEFORE, RESPONSE_CUT_BEFORE},
        {OUTCOME_ABORT_HEAD, RESPONSE_CUT_HEAD},
        {OUTCOME_ABORT_BODY, RESPONSE_CUT_CONTENT},
    };
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct outcome outcome = OUTCOME_PLAIN;
        outcome.status = 503;
        outcome.abort = cases[i].abort;
        (void)answer_with(&fixture, "GET /version", &outcome);
        assert_int_equal(fixture.exchange.cut, cases[i].cut);
        if (cases[i].cut != RESPONSE_WHOLE) {
            assert_int_equal(fixture.content_end, -ECONNRESET);
        }
    }
    fixture_close(&fixture);
}

static int64_t used_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

static void burning_takes_processor_time(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct outcome outcome = OUTCOME_PLAIN;
    outcome.burn_ns = 20000000;
    int64_t before_ns = used_ns();
    const char *answer = answer_with(&fixture, "GET /version", &outcome);
    assert_true(used_ns() - before_ns >= outcome.burn_ns);
    assert_status(answer, "200 OK");
    assert_head_line(answer, "x-injected: rule; burn");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delay_alone_is_no_effect),
        cmocka_unit_test(a_status_takes_the_place_of_the_answer),
        cmocka_unit_test(some_statuses_have_no_content),
        cmocka_unit_test(a_status_of_success_keeps_the_content),
        cmocka_unit_test(size_and_pace_are_as_wanted),
        cmocka_unit_test(an_abort_cuts_where_it_says),
        cmocka_unit_test(burning_takes_processor_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "app_fixture.h"

#include "app/ui_server.h"

static void the_server_and_its_law_are_told(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(1ms)", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /ui/server.json", "");
    const char *answer = fixture_respond_whole(&fixture);
    assert_status(answer, "200 OK");
    assert_head_line(answer, "content-type: application/json");
    assert_head_line(answer, "cache-control: no-store");
    const char *content = content_of(answer);
    static const char start[] = "{\"version\":\"" FIXTURE_VERSION "\",";
    assert_memory_equal(content, start, sizeof start - 1);
    assert_non_null(strstr(content, "\"seed\":\"5@a\""));
    assert_non_null(strstr(content, "\"admin\":false,"));
    assert_non_null(strstr(content, "\"rule\":\"default\","));
    assert_non_null(strstr(content, "\"law\":\"const(1ms)\",\"mean_seconds\":0.001,"
                                    "\"quantiles\":[0.001,0.001,0.001],\"masses\":["));
    assert_string_equal(content + strlen(content) - 4, "}]}\n");
    fixture_close(&fixture);
}

/* What is being sent is bounded; whoever has got it makes room. */
static void answers_are_bounded(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct content_source sources[UI_SERVER_MAX_ANSWERS];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < UI_SERVER_MAX_ANSWERS; i++) {
            (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /ui/server.json", "");
            assert_int_equal(fixture.exchange.status, 200);
            sources[i] = fixture.exchange.source;
        }
        assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, "GET /ui/server.json", ""),
                      "503 Service Unavailable");
        for (unsigned i = 0; i < UI_SERVER_MAX_ANSWERS; i++) {
            sources[i].close(sources[i].context, false);
        }
    }
    fixture_close(&fixture);
}

/* A law of wide tails has a mass in many bins: all of them are told, together one. */
static void the_masses_of_a_law_are_all_of_it(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "lognormal(200ms,2s)", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /ui/server.json", "");
    const char *at = strstr(content_of(fixture_respond_whole(&fixture)), "\"masses\":[");
    assert_non_null(at);
    at += strlen("\"masses\":[");
    double sum = 0;
    unsigned bins = 0;
    long before = -1;
    while (*at != ']') {
        char *end = NULL;
        long bin = strtol(at, &end, 10);
        assert_true(bin > before && *end == ',');
        before = bin;
        sum += strtod(end + 1, &end);
        at = *end == ',' ? end + 1 : end;
        bins++;
    }
    assert_true(bins > 100);
    assert_true(sum > 0.9999 && sum < 1.0001);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_and_its_law_are_told),
        cmocka_unit_test(answers_are_bounded),
        cmocka_unit_test(the_masses_of_a_law_are_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "app_fixture.h"

#include "base/clock.h"

struct refusal {
    const char *line, *said;
};

static void assert_refused(struct app_fixture *fixture, const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *answer = fixture_answer(fixture, SURFACE_PUBLIC, cases[i].line, "");
        if (fixture->exchange.status != 400 || strstr(content_of(answer), cases[i].said) == NULL) {
            fail_msg("%s: %s", cases[i].line, answer);
        }
    }
}

static void the_path_of_delay_is_a_law(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t ns;
    } cases[] = {
        {"GET /delay/5ms", 5000000},
        {"GET /delay/0.25", 250000000}, /* seconds, as httpbin has them */
        {"GET /delay/const(3us)", 3000},
        {"GET /delay/const%282ms%29", 2000000},
        {"POST /delay/0", 0},
    };
    struct app_fixture fixture;
    fixture_open(&fixture, "const(60s)", true);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        fixture_begin(&fixture, SURFACE_PUBLIC, cases[i].line, "");
        assert_int_equal(fixture.exchange.delay_ns, cases[i].ns);
        assert_status(fixture_respond(&fixture), "200 OK");
    }
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /delay/uniform(1s%2C2s)", "");
    assert_in_range(fixture.exchange.delay_ns, NS_PER_S, 2 * NS_PER_S);
    assert_true(fixture.exchange.drew);
    static const struct refusal refused[] = {
        {"GET /delay/61s", "delay: it is beyond the limit of 60s"},
        {"GET /delay/x", "delay: "},
        {"GET /delay/%zz", "%"},
        {"GET /delay/1s?delay=1s", "delay: it is asked for twice"},
    };
    assert_refused(&fixture, refused, ARRAY_LENGTH(refused));
    char line[WISH_VALUE_MAX_BYTES + 64] = "GET /delay/1";
    memset(line + 12, '0', WISH_VALUE_MAX_BYTES);
    assert_refused(&fixture, &(struct refusal){line, "delay: it is too long"}, 1);
    fixture_close(&fixture);
}

static void the_path_of_status_is_the_status(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /status/418", "");
    assert_int_equal(fixture.exchange.status, 418);
    assert_non_null(strstr(content_of(answer), "418 "));
    answer = fixture_answer(&fixture, SURFACE_PUBLIC, "PUT /status/201", "");
    assert_status(answer, "201 Created");
    assert_string_equal(content_of(answer), "201 Created: injected, as the request asked\n");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /status/200:1,500:1", "");
    assert_true(fixture.exchange.status == 200 || fixture.exchange.status == 500);
    static const struct refusal refused[] = {
        {"GET /status/99", "status: "},
        {"GET /status/499", "status: 444 and 499"},
        {"GET /status/200?status=200", "status: it is asked for twice"},
    };
    assert_refused(&fixture, refused, ARRAY_LENGTH(refused));
    fixture_close(&fixture);
}

static void bytes_are_those_of_the_seed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    char first[100], other[100];
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /bytes/100?seed=3", "");
    const char *answer = fixture_respond_whole(&fixture);
    assert_head_line(answer, "content-type: application/octet-stream");
    assert_int_equal(fixture.exchange.source.length, 100);
    assert_int_equal(fixture.output + fixture.output_bytes - content_of(answer), 100);
    memcpy(first, content_of(answer), 100);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /bytes/1KiB?seed=3", "");
    memcpy(other, content_of(fixture_respond_whole(&fixture)), 100);
    assert_int_equal(fixture.exchange.source.length, 1024);
    assert_memory_equal(first, other, 100);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /bytes/100", "");
    assert_memory_not_equal(content_of(fixture_respond_whole(&fixture)), first, 100);
    static const struct refusal refused[] = {
        {"GET /bytes/x", "size: "},
        {"GET /bytes/1048577", "size: it is beyond the limit of 1MiB"},
        {"GET /bytes/1?seed=x", "seed: it is no whole number"},
        {"GET /bytes/1?seed=1&seed=2", "seed"},
    };
    assert_refused(&fixture, refused, ARRAY_LENGTH(refused));
    fixture_close(&fixture);
}

static void drip_is_what_its_parameters_say(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(60s)", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /drip", "");
    assert_int_equal(fixture.exchange.delay_ns, 2 * NS_PER_S);
    const char *answer = fixture_respond_whole(&fixture);
    assert_status(answer, "200 OK");
    assert_string_equal(content_of(answer), "**********");
    assert_int_equal(fixture.content_ns, 2 * NS_PER_S);
    fixture_begin(&fixture, SURFACE_PUBLIC,
                  "GET /drip?duration=0.5&numbytes=3&delay=0&code=201&delays=x", "");
    assert_int_equal(fixture.exchange.delay_ns, 0);
    answer = fixture_respond_whole(&fixture);
    assert_status(answer, "201 Created");
    assert_string_equal(content_of(answer), "***");
    assert_int_equal(fixture.content_ns, NS_PER_S / 2);
    static const struct refusal refused[] = {
        {"GET /drip?duration=61", "duration: it is beyond the limit of 60s"},
        {"GET /drip?numbytes=x", "numbytes: "},
        {"GET /drip?delay=x", "delay: "},
        {"GET /drip?code=204", "code: it is no status that has content"},
        {"GET /drip?code=600", "code: "},
        {"GET /drip?code=1&code=2", "code"},
    };
    assert_refused(&fixture, refused, ARRAY_LENGTH(refused));
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_of_delay_is_a_law),
        cmocka_unit_test(the_path_of_status_is_the_status),
        cmocka_unit_test(bytes_are_those_of_the_seed),
        cmocka_unit_test(drip_is_what_its_parameters_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "app_fixture.h"

#include "app/echo.h"

static void fields_are_grouped_by_name(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    const char *answer =
        fixture_answer(&fixture, SURFACE_PUBLIC, "GET /headers",
                       "X-One: 1\r\nx-two: \"a\\b\"\r\nx-one: 2\r\nx-three: \xe9\r\n");
    assert_status(answer, "200 OK");
    assert_head_line(answer, "content-type: application/json");
    assert_head_line(answer, "x-content-type-options: nosniff");
    assert_string_equal(content_of(answer),
                        "{\"headers\":{\"Host\":[\"a.example\"],\"X-One\":[\"1\",\"2\"],"
                        "\"x-two\":[\"\\\"a\\\\b\\\"\"],\"x-three\":[\"\xef\xbf\xbd\"]}}\n");
    fixture_close(&fixture);
}

static void a_request_is_told_with_its_body(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "PUT /echo?a=%41&b", "Content-Length: 5\r\n");
    assert_int_equal(fixture.exchange.body_room, 5);
    fixture_add_body(&fixture, "\"\x01\xc3\xa9z");
    assert_string_equal(content_of(fixture_respond(&fixture)),
                        "{\"method\":\"PUT\",\"path\":\"/echo\",\"query\":\"a=%41&b\","
                        "\"version\":\"1.1\",\"headers\":{\"Host\":[\"a.example\"],"
                        "\"Content-Length\":[\"5\"]},\"body\":\"\\\"\\u0001\xc3\xa9z\","
                        "\"body_cut\":false}\n");
    fixture_close(&fixture);
}

static void a_body_is_repeated_to_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        uint32_t room;
    } cases[] = {
        {"", 0},
        {"Content-Length: 0\r\n", 0},
        {"Content-Length: 4096\r\n", 4096},
        {"Content-Length: 4097\r\n", 4096},
        {"Content-Length: 99999999\r\n", 4096},
        {"Transfer-Encoding: chunked\r\n", 4096},
    };
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        fixture_begin(&fixture, SURFACE_PUBLIC, "POST /echo", cases[i].field);
        assert_int_equal(fixture.exchange.body_room, cases[i].room);
    }
    fixture_begin(&fixture, SURFACE_PUBLIC, "POST /echo", "Transfer-Encoding: chunked\r\n");
    fixture.exchange.body_room = 3; /* what is cut is said to be, wherever the limit is */
    fixture_add_body(&fixture, "abcd");
    assert_non_null(
        strstr(content_of(fixture_respond(&fixture)), "\"body\":\"abc\",\"body_cut\":true}\n"));
    fixture_close(&fixture);
}

/* What is kept of a head has a limit: quotes and backslashes are two bytes each in JSON. */
static void a_head_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    char fields[3000] = "x: ";
    memset(fields + 3, '\\', 2500);
    strcpy(fields + 2503, "\r\n");
    static const char *const lines[] = {"GET /headers", "POST /echo"};
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, lines[i], fields);
        assert_status(answer, "431 Request Header Fields Too Large");
        assert_string_equal(content_of(answer), "the head is too large to be repeated as JSON\n");
        assert_int_equal(fixture.exchange.body_room, 0);
    }
    fixture_close(&fixture);
}

static void a_size_that_is_asked_for_is_that_of_other_content(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /headers?size=5", "");
    const char *answer = fixture_respond_whole(&fixture);
    assert_head_line(answer, "x-injected: request; size");
    assert_string_equal(content_of(answer), "abcde");
    /* Another pace leaves the content as it is. */
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /echo?drip=1s", "");
    answer = fixture_respond_whole(&fixture);
    assert_head_line(answer, "x-injected: request; drip");
    assert_non_null(strstr(content_of(answer), "\"query\":\"drip=1s\""));
    assert_int_equal(fixture.content_ns, 1000000000);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_grouped_by_name),
        cmocka_unit_test(a_request_is_told_with_its_body),
        cmocka_unit_test(a_body_is_repeated_to_its_limit),
        cmocka_unit_test(a_head_that_is_too_large_is_refused),
        cmocka_unit_test(a_size_that_is_asked_for_is_that_of_other_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

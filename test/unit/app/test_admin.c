#include "app_fixture.h"

#include "app/admin.h"

#define TOKEN "0123456789abcdef-token"

static void only_the_token_opens(void **state)
{
    (void)state;
    static const char *const right[] = {"Bearer " TOKEN, "bearer " TOKEN, "BEARER   " TOKEN " "};
    static const char *const wrong[] = {
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        "Basic " TOKEN,
        "Bearer" TOKEN,
        "Bearer 0123456789abcdef-toke",
        "Bearer 0123456789abcdef-tokenn",
        "Bearer 0123456789abcdef-tokeN",
        "Bearer X123456789abcdef-token",
        "Bearer " TOKEN TOKEN,
        "Bearer " TOKEN " x",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(right); i++) {
        assert_true(admin_is_authorized(span_from_string(right[i]), TOKEN));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        if (admin_is_authorized(span_from_string(wrong[i]), TOKEN)) {
            fail_msg("%s", wrong[i]);
        }
    }
}

static const char *post(struct app_fixture *fixture, const char *fields, const char *body)
{
    char line[1200];
    snprintf(line, sizeof line, "%sContent-Length: %zu\r\n", fields, strlen(body));
    fixture_begin(fixture, SURFACE_ADMIN, "POST /admin/delay", line);
    fixture_add_body(fixture, body);
    return fixture_respond(fixture);
}

static void the_law_changes_for_the_next_request(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    fixture.app.settings.max_delay_ns = INT64_C(60000000000);
    static const char field[] = "Authorization: Bearer " TOKEN "\r\n";
    assert_status(post(&fixture, field, "const(5ms)"), "403 Forbidden");
    fixture.app.settings.admin_token = TOKEN;
    const char *answer = post(&fixture, "", "const(5ms)");
    assert_status(answer, "401 Unauthorized");
    assert_head_line(answer, "www-authenticate: Bearer");
    assert_int_equal(fixture.exchange.body_room, 0); /* nobody's body is kept */
    assert_status(post(&fixture, "Authorization: Bearer wrong\r\n", "const(5ms)"),
                  "401 Unauthorized");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_int_equal(fixture.exchange.delay_ns, INT64_C(2000000000));

    answer = post(&fixture, field, " const( 5ms ) ");
    assert_status(answer, "200 OK");
    assert_string_equal(content_of(answer), "const(5ms)\n");
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "");
    assert_int_equal(fixture.exchange.delay_ns, 5000000);
    fixture_close(&fixture);
}

static void what_is_no_law_changes_nothing(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "const(2s)", true);
    fixture.app.settings.admin_token = TOKEN;
    fixture.app.settings.max_delay_ns = INT64_C(60000000000);
    char longest[LAW_TEXT_MAX_BYTES + 2];
    memset(longest, ' ', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const bodies[] = {"",           "nonsense",          "const(5ms",
                                  "const(61s)", "file(/etc/passwd)", longest};
    for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
        const char *answer = post(&fixture, "Authorization: Bearer " TOKEN "\r\n", bodies[i]);
        assert_status(answer, "400 Bad Request");
        assert_true(strlen(content_of(answer)) > 5);
        fixture_begin(&fixture, SURFACE_PUBLIC, "GET /", "");
        assert_int_equal(fixture.exchange.delay_ns, INT64_C(2000000000));
    }
    assert_status(fixture_answer(&fixture, SURFACE_ADMIN, "GET /admin/delay", ""),
                  "405 Method Not Allowed");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_token_opens),
        cmocka_unit_test(the_law_changes_for_the_next_request),
        cmocka_unit_test(what_is_no_law_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

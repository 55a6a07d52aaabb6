#include "../cmocka_includes.h"

#include "server/health_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct health_target target;
static const char *reason;

static int from_url(const char *url)
{
    reason = NULL;
    return health_target_from_url(span_from_string(url), &target, &reason);
}

static int from_listen(const char *listen)
{
    reason = NULL;
    return health_target_from_listen(span_from_string(listen), &target, &reason);
}

static void expect_address(size_t index, const char *wanted)
{
    char memory[ADDRESS_TEXT_BYTES];
    struct buffer text = buffer_over(memory, sizeof memory - 1);
    address_print(&target.addresses[index], &text);
    memory[text.length] = '\0';
    assert_string_equal(memory, wanted);
}

static void a_numeric_url_needs_no_name(void **state)
{
    (void)state;
    assert_int_equal(from_url("http://192.0.2.7:8080/readyz"), 0);
    assert_int_equal(target.address_count, 1);
    expect_address(0, "192.0.2.7:8080");
    assert_string_equal(target.name, "");
    assert_string_equal(target.authority, "192.0.2.7:8080");
    assert_string_equal(target.path, "/readyz");

    assert_int_equal(from_url("http://[2001:db8::1]:8080"), 0);
    expect_address(0, "[2001:db8::1]:8080");
    assert_string_equal(target.path, "/healthz");

    assert_int_equal(from_url("http://[2001:db8::1]"), 0);
    expect_address(0, "[2001:db8::1]:80");
    assert_int_equal(from_url("http://localhost:81/"), 0);
    expect_address(0, "127.0.0.1:81");
    assert_string_equal(target.path, "/");
}

static void a_name_is_kept_for_the_resolver(void **state)
{
    (void)state;
    assert_int_equal(from_url("http://server:8080/healthz?a=b"), 0);
    assert_int_equal(target.address_count, 0);
    assert_string_equal(target.name, "server");
    assert_string_equal(target.port, "8080");
    assert_string_equal(target.path, "/healthz?a=b");
    assert_int_equal(from_url("http://server.example"), 0);
    assert_string_equal(target.name, "server.example");
    assert_string_equal(target.port, "80");
    assert_string_equal(target.authority, "server.example");
}

static void what_is_no_such_url_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "server:8080",
        "https://server",
        "http://",
        "http://:8080",
        "http://server:",
        "http://server:0",
        "http://server:65536",
        "http://server:-1",
        "http://server:1:2",
        "http://user@server",
        "http://server/a b",
        "http://server/a\r\nx: y",
        "http://server/\xc3\xa4",
        "http://server/#part",
        "http://[::1",
        "http://[nonsense]:1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (from_url(wrong[i]) != -EINVAL || reason == NULL) {
            fail_msg("'%s' was taken", wrong[i]);
        }
    }
    char url[4 * HEALTH_TEXT_BYTES];
    for (size_t length = 1; length < sizeof url - 20; length += 7) {
        snprintf(url, sizeof url, "http://%.*s", (int)length, "");
        memset(url + 7, 'a', length);
        snprintf(url + 7 + length, 4, "/b");
        int result = from_url(url);
        assert_int_equal(result, length < HEALTH_TEXT_BYTES ? 0 : -EINVAL);
        snprintf(url, sizeof url, "http://a/");
        memset(url + 9, 'b', length);
        url[9 + length] = '\0';
        assert_int_equal(from_url(url), 1 + length < HEALTH_TEXT_BYTES ? 0 : -EINVAL);
    }
}

static void every_address_is_asked_on_loopback(void **state)
{
    (void)state;
    assert_int_equal(from_listen("0.0.0.0:8080"), 0);
    assert_int_equal(target.address_count, 1);
    expect_address(0, "127.0.0.1:8080");
    assert_string_equal(target.path, "/healthz");

    static const char *const every[] = {":8081", "[::]:8081"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(from_listen(every[i]), 0);
        assert_int_equal(target.address_count, 2);
        expect_address(0, "127.0.0.1:8081");
        expect_address(1, "[::1]:8081");
    }
}

static void other_addresses_are_asked_as_they_are(void **state)
{
    (void)state;
    static const char *const same[] = {"192.0.2.1:80", "[2001:db8::2]:80",
                                       "unix:/run/httpserver.sock"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        assert_int_equal(from_listen(same[i]), 0);
        assert_int_equal(target.address_count, 1);
        expect_address(0, same[i]);
    }
    assert_int_equal(from_listen("nowhere"), -EINVAL);
    assert_non_null(reason);
    assert_int_equal(from_listen("127.0.0.1:0"), -EINVAL);
    assert_non_null(strstr(reason, "--url"));
}

static void the_status_is_found_in_http_1_only(void **state)
{
    (void)state;
    unsigned status = 0;
    assert_true(health_status(SPAN("HTTP/1.1 200 OK\r\n\r\n"), &status));
    assert_int_equal(status, 200);
    assert_true(health_status(SPAN("HTTP/1.0 503 \r\n"), &status));
    assert_int_equal(status, 503);
    static const char *const wrong[] = {"",
                                        "HTTP/1.1 200",
                                        "HTTP/1.2 200 OK",
                                        "HTTP/2 200 OK..",
                                        "HTTP/1.1 20x OK",
                                        "HTTP/1.1 2000 OK",
                                        "HTTP/1.1\t200 OK",
                                        "SSH-2.0-OpenSSH_9.2"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(health_status(span_from_string(wrong[i]), &status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_numeric_url_needs_no_name),
        cmocka_unit_test(a_name_is_kept_for_the_resolver),
        cmocka_unit_test(what_is_no_such_url_is_refused),
        cmocka_unit_test(every_address_is_asked_on_loopback),
        cmocka_unit_test(other_addresses_are_asked_as_they_are),
        cmocka_unit_test(the_status_is_found_in_http_1_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

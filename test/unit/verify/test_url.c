#include "../cmocka_includes.h"

#include "verify/url.h"

#include <stdio.h>
#include <string.h>

static struct url url_of(const char *text)
{
    struct url url;
    struct parse_error error = {0};
    if (url_parse(span_from_string(text), &url, &error) != 0) {
        fail_msg("%s: %s", text, error.message);
    }
    return url;
}

static void reads_host_port_and_prefix(void **state)
{
    (void)state;
    static const char *const cases[][5] = {
        {"http://localhost", "localhost", "80", "localhost:80", ""},
        {"http://Example.ORG:9090/", "example.org", "9090", "example.org:9090", ""},
        {"HTTP://10.0.0.1:1/a/b/", "10.0.0.1", "1", "10.0.0.1:1", "/a/b"},
        {"http://[::1]:65535/x", "::1", "65535", "[::1]:65535", "/x"},
        {"http://[fe80::1]", "fe80::1", "80", "[fe80::1]:80", ""},
        {"http://h:0080", "h", "80", "h:80", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url url = url_of(cases[i][0]);
        assert_string_equal(url.host, cases[i][1]);
        assert_string_equal(url.port, cases[i][2]);
        assert_string_equal(url.authority, cases[i][3]);
        assert_string_equal(url.prefix, cases[i][4]);
    }
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "expected http://HOST"},
        {"example.org:80", "expected http://HOST"},
        {"https://example.org", "https is not spoken here"},
        {"http://", "expected a host name or address at character 8, found the end"},
        {"http://:80", "expected a host name or address"},
        {"http://user@h", "expected a host name or address at character 12, found '@'"},
        {"http://[::1", "expected ']'"},
        {"http://[::1]x", "expected ':' or '/'"},
        {"http://[]", "expected a host name or address"},
        {"http://h:", "the port must be a number from 1 to 65535"},
        {"http://h:0", "the port must be"},
        {"http://h:65536", "the port must be"},
        {"http://h:99999999999999999999", "the port must be"},
        {"http://h:8a", "the port must be"},
        {"http://h/a?b", "a query, a fragment or a space has no place here"},
        {"http://h/#a", "a query, a fragment"},
        {"http://h/a b", "a query, a fragment"},
        {"http://h/a\r\nx: y", "a query, a fragment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct url url;
        struct parse_error error = {0};
        assert_true(url_parse(span_from_string(cases[i][0]), &url, &error) < 0);
        if (strstr(error.message, cases[i][1]) == NULL) {
            fail_msg("%s: %s", cases[i][0], error.message);
        }
    }
    char text[1024];
    snprintf(text, sizeof text, "http://%0300d", 0);
    struct url url;
    assert_true(url_parse(span_from_string(text), &url, NULL) < 0);
    snprintf(text, sizeof text, "http://h/%0600d", 0);
    assert_true(url_parse(span_from_string(text), &url, NULL) < 0);
}

static void compares_where_they_lead(void **state)
{
    (void)state;
    struct url a = url_of("http://localhost:80/x"), b = url_of("http://127.0.0.1");
    struct url c = url_of("http://127.0.0.1:81"), d = url_of("http://127.0.0.2");
    assert_true(url_same_authority(&a, &b));
    assert_false(url_same_authority(&b, &c));
    assert_false(url_same_authority(&b, &d));
}

static void escapes_for_a_query(void **state)
{
    (void)state;
    char memory[64];
    struct buffer text = buffer_over(memory, sizeof memory);
    buffer_append_percent_encoded(&text, SPAN("aZ0-._~ +&{\"\xc3\xa9"));
    assert_memory_equal(memory, "aZ0-._~%20%2B%26%7B%22%C3%A9", text.length);
    assert_int_equal(text.length, strlen("aZ0-._~%20%2B%26%7B%22%C3%A9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_host_port_and_prefix),
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(compares_where_they_lead),
        cmocka_unit_test(escapes_for_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

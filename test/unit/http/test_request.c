/* Heads that are accepted, and what is understood of them. */
#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/request.h"

#include <stdlib.h>

static const struct request_limits limits = {16384};

enum flags { CLOSE = 1, CHUNKED = 2, EXPECTS = 4, ASTERISK = 8, MINOR_0 = 16 };

struct valid_row {
    const char *raw;
    size_t raw_bytes;
    const char *method, *target, *path, *query, *host;
    unsigned flags;
    uint64_t content_length;
    uint32_t field_count;
};

#define RAW(text) text, sizeof(text) - 1
#define HOST "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define ROOT(method) method, "/", "/", "", "h"

static const struct valid_row valid[] = {
    /* request line */
    {RAW(GET "\r\n"), ROOT("GET"), 0, 0, 1},
    {RAW("\r\n" GET "\r\n"), ROOT("GET"), 0, 0, 1}, /* RFC 9112, section 2.2 */
    {RAW("HEAD / HTTP/1.1\r\n" HOST "\r\n"), ROOT("HEAD"), 0, 0, 1},
    {RAW("PATCH / HTTP/1.1\r\n" HOST "\r\n"), ROOT("PATCH"), 0, 0, 1},
    {RAW("TRACE / HTTP/1.1\r\n" HOST "\r\n"), ROOT("TRACE"), 0, 0, 1},
    {RAW("GET / HTTP/1.2\r\n" HOST "\r\n"), ROOT("GET"), 0, 0, 1}, /* RFC 9110, section 2.5 */
    {RAW("GET / HTTP/1.9\r\n" HOST "\r\n"), ROOT("GET"), 0, 0, 1},
    /* targets */
    {RAW("GET /a/b?c=d&e?f HTTP/1.1\r\n" HOST "\r\n"), "GET", "/a/b?c=d&e?f", "/a/b", "c=d&e?f",
     "h", 0, 0, 1},
    {RAW("GET /? HTTP/1.1\r\n" HOST "\r\n"), "GET", "/?", "/", "", "h", 0, 0, 1},
    {RAW("GET //a//b HTTP/1.1\r\n" HOST "\r\n"), "GET", "//a//b", "//a//b", "", "h", 0, 0, 1},
    {RAW("GET /delay/mix(0.9:const(1s),0.1:none) HTTP/1.1\r\n" HOST "\r\n"), "GET",
     "/delay/mix(0.9:const(1s),0.1:none)", "/delay/mix(0.9:const(1s),0.1:none)", "", "h", 0, 0, 1},
    {RAW("GET /%2e%2E/../a HTTP/1.1\r\n" HOST "\r\n"), "GET", "/%2e%2E/../a", "/%2e%2E/../a", "",
     "h", 0, 0, 1},
    {RAW("GET http://a/b?c HTTP/1.1\r\n" HOST "\r\n"), "GET", "http://a/b?c", "/b", "c", "a", 0, 0,
     1}, /* the target's host goes before (RFC 9112, section 3.2.2) */
    {RAW("GET HTTP://A:80 HTTP/1.1\r\n" HOST "\r\n"), "GET", "HTTP://A:80", "/", "", "A:80", 0, 0,
     1},
    {RAW("GET http://a?b/c HTTP/1.1\r\n" HOST "\r\n"), "GET", "http://a?b/c", "/", "b/c", "a", 0, 0,
     1},
    {RAW("GET http://[::1]:80/ HTTP/1.1\r\n" HOST "\r\n"), "GET", "http://[::1]:80/", "/", "",
     "[::1]:80", 0, 0, 1},
    {RAW("GET http://a/ HTTP/1.0\r\n\r\n"), "GET", "http://a/", "/", "", "a", MINOR_0 | CLOSE, 0,
     0},
    {RAW("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "OPTIONS", "*", "*", "", "h", ASTERISK, 0, 1},
    {RAW("OPTIONS / HTTP/1.1\r\n" HOST "\r\n"), ROOT("OPTIONS"), 0, 0, 1},
    /* Host */
    {RAW("GET / HTTP/1.1\r\nhOST:\th:80\t \r\n\r\n"), "GET", "/", "/", "", "h:80", 0, 0, 1},
    {RAW("GET / HTTP/1.1\r\nHost:h:\r\n\r\n"), "GET", "/", "/", "", "h:", 0, 0, 1},
    {RAW("GET / HTTP/1.1\r\nHost: 0.0.0.0=5000\r\n\r\n"), "GET", "/", "/", "", "0.0.0.0=5000", 0, 0,
     1},
    {RAW("GET / HTTP/1.0\r\n\r\n"), "GET", "/", "/", "", "", MINOR_0 | CLOSE, 0, 0},
    /* Connection (RFC 9112, section 9.3) */
    {RAW(GET "Connection: close\r\n\r\n"), ROOT("GET"), CLOSE, 0, 2},
    {RAW(GET "Connection: keep-alive, CLOSE\r\n\r\n"), ROOT("GET"), CLOSE, 0, 2},
    {RAW(GET "Connection: close\r\nConnection: keep-alive\r\n\r\n"), ROOT("GET"), CLOSE, 0, 3},
    {RAW(GET "Connection: ,upgrade ,\t, close,\r\n\r\n"), ROOT("GET"), CLOSE, 0, 2},
    {RAW(GET "Connection: closed, xclose, close2\r\n\r\n"), ROOT("GET"), 0, 0, 2},
    {RAW(GET "Connection:\r\n\r\n"), ROOT("GET"), 0, 0, 2},
    {RAW("GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n"), ROOT("GET"), MINOR_0, 0, 2},
    {RAW("GET / HTTP/1.0\r\n" HOST "Connection: keep-alive, close\r\n\r\n"), ROOT("GET"),
     MINOR_0 | CLOSE, 0, 2},
    /* bodies */
    {RAW(POST "Content-Length: 0\r\n\r\n"), ROOT("POST"), 0, 0, 2},
    {RAW(POST "Content-Length: 42\r\n\r\n"), ROOT("POST"), 0, 42, 2},
    {RAW(POST "content-length:\t0042 \r\n\r\n"), ROOT("POST"), 0, 42, 2},
    {RAW(POST "Content-Length: 9223372036854775807\r\n\r\n"), ROOT("POST"), 0, INT64_MAX, 2},
    {RAW(GET "Content-Length: 5\r\n\r\n"), ROOT("GET"), 0, 5, 2},
    {RAW(POST "Transfer-Encoding: chunked\r\n\r\n"), ROOT("POST"), CHUNKED, 0, 2},
    {RAW(POST "Transfer-Encoding: cHuNkEd\r\n\r\n"), ROOT("POST"), CHUNKED, 0, 2},
    {RAW(POST "Transfer-Encoding:, chunked\t,,\r\n\r\n"), ROOT("POST"), CHUNKED, 0, 2},
    {RAW(POST "Transfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n\r\n"), ROOT("POST"), CHUNKED,
     0, 3},
    {RAW("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n"
         "Connection: keep-alive\r\n\r\n"),
     ROOT("POST"), MINOR_0 | CLOSE | CHUNKED, 0, 3}, /* RFC 9112, section 6.1 */
    {RAW("POST / HTTP/1.0\r\n" HOST "Content-Length: 3\r\nConnection: keep-alive\r\n\r\n"),
     ROOT("POST"), MINOR_0, 3, 3},
    /* Expect (RFC 9110, section 10.1.1) */
    {RAW(POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"), ROOT("POST"), EXPECTS, 1, 3},
    {RAW(POST "Expect: 100-Continue\r\n\r\n"), ROOT("POST"), EXPECTS, 0, 2},
    {RAW("POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\n\r\n"), ROOT("POST"), MINOR_0 | CLOSE,
     0, 2},
    {RAW("POST / HTTP/1.0\r\n" HOST "Expect: miracles\r\n\r\n"), ROOT("POST"), MINOR_0 | CLOSE, 0,
     2},
    /* fields */
    {RAW(GET "a:\r\nB: \r\nc:d\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n"), ROOT("GET"), 0, 0, 5},
    {RAW(GET "a: \x80\xff b\tc \"\r\n\r\n"), ROOT("GET"), 0, 0, 2},
    {RAW(GET "a: b:c: \r\n\r\n"), ROOT("GET"), 0, 0, 2},
    {RAW(GET "X-Content-Length: x\r\nTransfer-Encodin: x\r\nHos: /\r\n\r\n"), ROOT("GET"), 0, 0, 4},
};

/* Exactly as many bytes as there are, on the heap: a sanitizer sees a look behind the end. */
static char *exact_copy(const char *bytes, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return copy;
}

static void check_text(const char *what, const struct valid_row *row, struct span found,
                       const char *expected)
{
    if (!span_equals(found, span_from_string(expected))) {
        fail_msg("%s of %s: \"%.*s\", not \"%s\"", what, row->raw, (int)found.length, found.data,
                 expected);
    }
}

static void check_flag(const char *what, const struct valid_row *row, bool found, unsigned expected)
{
    if (found != (expected != 0)) {
        fail_msg("%s of %s", what, row->raw);
    }
}

static void check_request(const struct valid_row *row, const struct request *request)
{
    check_text("method", row, request->method_name, row->method);
    check_text("method", row, method_name(request->method), row->method);
    check_text("target", row, request->target, row->target);
    check_text("path", row, request->path, row->path);
    check_text("query", row, request->query, row->query);
    check_text("host", row, request->host, row->host);
    check_flag("keep_alive", row, !request->keep_alive, row->flags & CLOSE);
    check_flag("chunked", row, request->chunked, row->flags & CHUNKED);
    check_flag("expects_continue", row, request->expects_continue, row->flags & EXPECTS);
    check_flag("asterisk", row, request->asterisk, row->flags & ASTERISK);
    check_flag("minor_version", row, request->minor_version == 0, row->flags & MINOR_0);
    assert_true(request->content_length == row->content_length);
    assert_int_equal(request->field_count, row->field_count);
}

static void understands_valid_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        const struct valid_row *row = &valid[i];
        char *raw = exact_copy(row->raw, row->raw_bytes);
        struct request request;
        memset(&request, 0xa5, sizeof request); /* what is not set must not pass for set */
        struct request_error error = {0};
        size_t head_bytes = 0;
        if (request_parse(span_of(raw, row->raw_bytes), &limits, &request, &head_bytes, &error) !=
            REQUEST_COMPLETE) {
            fail_msg("%u %s: %s", error.status, error.reason, row->raw);
        }
        assert_int_equal(head_bytes, row->raw_bytes);
        check_request(row, &request);
        free(raw);
    }
}

static void needs_all_of_a_head(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        for (size_t length = 0; length < valid[i].raw_bytes; length++) {
            char *raw = exact_copy(valid[i].raw, length);
            struct request request;
            struct request_error error = {0};
            size_t head_bytes = 0;
            if (request_parse(span_of(raw, length), &limits, &request, &head_bytes, &error) !=
                REQUEST_INCOMPLETE) {
                fail_msg("%zu bytes (%u) of %s", length, error.status, valid[i].raw);
            }
            free(raw);
        }
    }
    struct request request;
    struct request_error error;
    size_t head_bytes;
    assert_int_equal(request_parse((struct span){0}, &limits, &request, &head_bytes, &error),
                     REQUEST_INCOMPLETE);
}

/* A pipelined request, a body, or anything else. */
static void does_not_look_behind_the_head(void **state)
{
    (void)state;
    static const char *const behind[] = {"GET / HTTP/1.1\r\n", "\r\n", "\n", "x", " : "};
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(behind); k++) {
            char raw[1024];
            size_t length = valid[i].raw_bytes;
            memcpy(raw, valid[i].raw, length);
            memcpy(raw + length, behind[k], strlen(behind[k]));
            struct request request;
            struct request_error error;
            size_t head_bytes = 0;
            assert_int_equal(request_parse(span_of(raw, length + strlen(behind[k])), &limits,
                                           &request, &head_bytes, &error),
                             REQUEST_COMPLETE);
            assert_int_equal(head_bytes, length);
            check_request(&valid[i], &request);
        }
    }
}

static void keeps_fields_in_order_and_finds_them(void **state)
{
    (void)state;
    static const char raw[] =
        GET "Accept:text/plain\r\nX-A:  1 2\t\r\nx-a: second\r\n"
            "Connection: x-b\r\nEmpty: \t \r\nConnection: x-c\r\nConnection:\r\n\r\n";
    static const char *const expected[][2] = {{"Host", "h"},         {"Accept", "text/plain"},
                                              {"X-A", "1 2"},        {"x-a", "second"},
                                              {"Connection", "x-b"}, {"Empty", ""},
                                              {"Connection", "x-c"}, {"Connection", ""}};
    struct request request;
    struct request_error error;
    size_t head_bytes = 0;
    assert_int_equal(request_parse(SPAN(raw), &limits, &request, &head_bytes, &error),
                     REQUEST_COMPLETE);
    assert_int_equal(request.field_count, ARRAY_LENGTH(expected));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        assert_true(span_equals(request.fields[i].name, span_from_string(expected[i][0])));
        assert_true(span_equals(request.fields[i].value, span_from_string(expected[i][1])));
    }
    assert_true(span_equals(request.connection, SPAN("x-c"))); /* the last that says something */
    assert_true(span_equals(request_find(&request, SPAN("X-a")), SPAN("1 2"))); /* the first */
    assert_true(span_equals(request_find(&request, SPAN("HOST")), SPAN("h")));
    assert_non_null(request_find(&request, SPAN("empty")).data);
    assert_int_equal(request_find(&request, SPAN("empty")).length, 0);
    assert_null(request_find(&request, SPAN("x-")).data);
    assert_null(request_find(&request, SPAN("")).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_valid_heads),
        cmocka_unit_test(needs_all_of_a_head),
        cmocka_unit_test(does_not_look_behind_the_head),
        cmocka_unit_test(keeps_fields_in_order_and_finds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

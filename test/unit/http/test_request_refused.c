/* Heads that are refused, and with which status: the rules of docs and RFC 9112, one a row. */
#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/request.h"

#include <stdlib.h>

struct refused_row {
    const char *raw;
    size_t raw_bytes;
    uint16_t status;
};

#define HOST "Host: h\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define END "\r\n"
#define REFUSED(status, text)                                                                      \
    {                                                                                              \
        text, sizeof(text) - 1, status                                                             \
    }
#define LINE(status, text) REFUSED(status, text "\r\n" HOST END)
#define TARGET(status, text) LINE(status, "GET " text " HTTP/1.1")
#define HOST_IS(text) REFUSED(400, "GET / HTTP/1.1\r\nHost:" text "\r\n" END)
#define FIELD(status, text) REFUSED(status, POST text "\r\n" END)

static const struct refused_row refused[] = {
    /* empty lines in front: one, whole */
    REFUSED(400, "\r\n\r\n" GET END),
    REFUSED(400, "\n" GET END),
    REFUSED(400, "\r" GET END),
    REFUSED(400, "\r\r\n" GET END),
    REFUSED(400, " " GET END),
    REFUSED(400, "\t" GET END),
    REFUSED(400, "\0" GET END),
    /* request line (RFC 9112, section 3) */
    LINE(400, "GET /"), /* HTTP/0.9 */
    LINE(400, "GET"),
    LINE(400, "GET "),
    LINE(400, "GET  / HTTP/1.1"),
    LINE(400, "GET /  HTTP/1.1"),
    LINE(400, "GET / HTTP/1.1 "),
    LINE(400, "GET / HTTP/1.1\t"),
    LINE(400, "GET\t/ HTTP/1.1"),
    LINE(400, "GET /\tHTTP/1.1"),
    LINE(400, "GET /\vHTTP/1.1"),
    LINE(400, "GET / a HTTP/1.1"),
    LINE(400, " / HTTP/1.1"),
    LINE(400, "/ HTTP/1.1"),
    LINE(400, "G(T / HTTP/1.1"),
    LINE(400, "GET: / HTTP/1.1"),
    LINE(400, "G\xc3\x84T / HTTP/1.1"),
    LINE(400, "{} / HTTP/1.1"),
    REFUSED(400, "GET / HTTP/1.1\n" HOST END),
    REFUSED(400, "GET / HTTP/1.1\r" HOST END),
    REFUSED(400, "GET / HTTP/1.1\r\r\n" HOST END),
    REFUSED(400, "GET / HTTP/1.1\n\r" HOST END),
    REFUSED(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), /* TLS on this port */
    /* methods (RFC 9110, section 9) */
    LINE(501, "get / HTTP/1.1"),
    LINE(501, "PROPFIND / HTTP/1.1"),
    LINE(501, "G / HTTP/1.1"),
    LINE(501, "!#$%&'*+-.^_`|~ / HTTP/1.1"),
    REFUSED(501, "CONNECT h:80 HTTP/1.1\r\n"),
    REFUSED(501, "CONNECT / HTTP/1.1\r\n"),
    /* versions */
    LINE(505, "GET / HTTP/2.0"),
    LINE(505, "GET / HTTP/0.9"),
    LINE(505, "GET / HTTP/3.1"),
    REFUSED(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    LINE(400, "GET / HTTP/1"),
    LINE(400, "GET / HTTP/2"),
    LINE(400, "GET / HTTP/1."),
    LINE(400, "GET / HTTP/.1"),
    LINE(400, "GET / HTTP/1.10"),
    LINE(400, "GET / HTTP/11.1"),
    LINE(400, "GET / HTTP/1,1"),
    LINE(400, "GET / HTTP/a.1"),
    LINE(400, "GET / HTTP/1.x"),
    LINE(400, "GET / HTTP/-1.1"),
    LINE(400, "GET / HTTP1.1"),
    LINE(400, "GET / http/1.1"),
    LINE(400, "GET / Http/1.1"),
    LINE(400, "GET / HTTPS/1.1"),
    LINE(400, "GET / XHTTP/1.1"),
    LINE(400, "GET / ICY"),
    /* targets (RFC 9112, section 3.2) */
    TARGET(400, "*"),
    TARGET(400, "a"),
    TARGET(400, "h:80"),
    TARGET(400, "?a"),
    TARGET(400, "#"),
    TARGET(400, "/a#b"),
    TARGET(400, "/a?b#c"),
    TARGET(400, "http://h/#a"),
    TARGET(400, "http://h#a"),
    TARGET(400, "http:/h/"),
    TARGET(400, "http:h/"),
    TARGET(400, "http:///a"),
    TARGET(400, "http://"),
    TARGET(400, "http://:80/"),
    TARGET(400, "http://user@h/"),
    TARGET(400, "http://user:pass@h:80/"),
    TARGET(400, "http://h:80a/"),
    TARGET(400, "http://[::1/"),
    TARGET(400, "http://h%zz/"),
    TARGET(400, "http://a,b c/"),
    TARGET(400, "ftp://h/"),
    TARGET(400, "https:"),
    TARGET(400, "https:///a"),
    /* no TLS here (RFC 9110, section 7.4) */
    TARGET(421, "https://h/"),
    TARGET(421, "https://h"),
    TARGET(421, "HTTPS://h:443/a?b"),
    TARGET(400, "//"
                "\x80"),
    TARGET(400, "/\x01"),
    TARGET(400, "/\x7f"),
    TARGET(400, "/\0"),
    TARGET(400, "/a\0b"),
    TARGET(400, "/\xc3\xa4"),
    LINE(400, "OPTIONS ** HTTP/1.1"),
    LINE(400, "OPTIONS *?a HTTP/1.1"),
    /* Host (RFC 9112, section 3.2) */
    REFUSED(400, "GET / HTTP/1.1\r\n\r\n"),
    REFUSED(400, "GET / HTTP/1.1\r\nX-Host: h\r\n\r\n"),
    REFUSED(400, "GET http://h/ HTTP/1.1\r\n\r\n"),
    REFUSED(400, GET HOST END),
    REFUSED(400, GET "host: h2\r\n" END),
    REFUSED(400, "GET / HTTP/1.0\r\n" HOST HOST END),
    REFUSED(400, "GET http://h/ HTTP/1.1\r\nHost: a b\r\n" END),
    HOST_IS(""),
    HOST_IS(" h:80a"),
    HOST_IS(" [::1"),
    HOST_IS(" h%zz"),
    HOST_IS(" h h"),
    HOST_IS(" h,h"
            "/"),
    HOST_IS(" http://h"),
    HOST_IS(" user@h"),
    HOST_IS(" \x80"),
    REFUSED(400, "GET / HTTP/1.0\r\nHost: a b\r\n" END),
    /* field lines (RFC 9112, section 5) */
    FIELD(400, "a : b"),
    FIELD(400, "a\t: b"),
    FIELD(400, " a: b"),
    FIELD(400, ": b"),
    FIELD(400, "a"),
    FIELD(400, "a b: c"),
    FIELD(400, "a(b): c"),
    FIELD(400, "a\0: b"),
    FIELD(400, "\x80: b"),
    FIELD(400, "a\xff: b"),
    FIELD(400, "a: b\r\n c"),
    FIELD(400, "a: b\r\n\tc"),
    FIELD(400, "a:\r\n b"),
    FIELD(400, "a: b\r\n "),
    FIELD(400, "a: b\0c"),
    FIELD(400, "a: \x01"),
    FIELD(400, "a: \x1b[0m"),
    FIELD(400, "a: \x7f"),
    FIELD(400, "a: b\rc"),
    FIELD(400, "a: b\nc"),
    FIELD(400, "a: b\nc: d"),
    FIELD(400, "a: b\rc: d"),
    FIELD(400, "a: b\r\r\nc: d"),
    FIELD(400, "a: b\v"),
    FIELD(400, "a: b\f"),
    FIELD(400, "a: b\n\r\nc: d"),
    REFUSED(400, "GET / HTTP/1.1\r\n " HOST END),
    REFUSED(400, GET "\n"),
    REFUSED(400, GET "\r\r\n"),
    REFUSED(400, GET "a: b\n\n"),
    REFUSED(400, GET "\rX"),
    /* Content-Length (RFC 9112, section 6.3) */
    FIELD(400, "Content-Length:"),
    FIELD(400, "Content-Length: -1"),
    FIELD(400, "Content-Length: +1"),
    FIELD(400, "Content-Length: 0x10"),
    FIELD(400, "Content-Length: 1 0"),
    FIELD(400, "Content-Length: 1,1"),
    FIELD(400, "Content-Length: 1, 2"),
    FIELD(400, "Content-Length: 1."),
    FIELD(400, "Content-Length: 1e1"),
    FIELD(400, "Content-Length: a"),
    FIELD(400, "Content-Length: 1;a"),
    FIELD(400, "Content-Length: \"1\""),
    FIELD(400, "Content-Length: \xd9\xa1"), /* a digit elsewhere */
    FIELD(400, "Content-Length: 18446744073709551616"),
    FIELD(400, "Content-Length: 36893488147419103237"), /* 5 + 2^65 */
    FIELD(400, "Content-Length: 1\r\nContent-Length: 1"),
    FIELD(400, "Content-Length: 1\r\ncontent-length: 2"),
    FIELD(400, "Content-Length: 0\r\nContent-Length: 0"),
    /* Transfer-Encoding (RFC 9112, sections 6.1 and 6.3) */
    FIELD(400, "Transfer-Encoding: chunked\r\nContent-Length: 1"),
    FIELD(400, "Content-Length: 1\r\nTransfer-Encoding: chunked"),
    FIELD(400, "Content-Length: 0\r\nTransfer-Encoding: chunked"),
    FIELD(400, "Transfer-Encoding: gzip, chunked\r\nContent-Length: 1"),
    FIELD(400, "Transfer-Encoding: gzip\r\nContent-Length: 1"),
    FIELD(400, "Transfer-Encoding:\r\nContent-Length: 1"),
    FIELD(400, "Transfer-Encoding:"),
    FIELD(400, "Transfer-Encoding: ,"),
    FIELD(400, "Transfer-Encoding: gzip"),
    FIELD(400, "Transfer-Encoding: identity"),
    FIELD(400, "Transfer-Encoding: chunked, gzip"),
    FIELD(400, "Transfer-Encoding: gzip, chunked, gzip"),
    FIELD(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"),
    FIELD(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    FIELD(400, "Transfer-Encoding: chunked, chunked"),
    FIELD(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    FIELD(400, "Transfer-Encoding: chunked, gzip, chunked"),
    FIELD(400, "Transfer-Encoding: xchunked"),
    FIELD(400, "Transfer-Encoding: chunkedx"),
    FIELD(400, "Transfer-Encoding: \"chunked\""),
    FIELD(400, "Transfer-Encoding: chunked;a=b"),
    FIELD(400, "Transfer-Encoding: chunked;"),
    FIELD(400, "Transfer-Encoding: chunked gzip"),
    FIELD(400, "Transfer-Encoding: \vchunked"),
    FIELD(400, "Transfer-Encoding : chunked"),
    FIELD(501, "Transfer-Encoding: gzip, chunked"),
    FIELD(501, "Transfer-Encoding: identity, chunked"),
    FIELD(501, "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"),
    REFUSED(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n" END),
    REFUSED(400, "POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n" END),
    /* Expect (RFC 9110, section 10.1.1) */
    FIELD(417, "Expect: 200-ok"),
    FIELD(417, "Expect: 100-continue, miracles"),
    FIELD(417, "Expect:"),
};

static const struct request_limits limits = {16384};

static enum request_result parse(const char *raw, size_t length, struct request_error *error)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, raw, length);
    struct request request;
    size_t head_bytes = 0;
    *error = (struct request_error){0};
    enum request_result result =
        request_parse(span_of(exact, length), &limits, &request, &head_bytes, error);
    free(exact);
    return result;
}

static void says_which_status_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        struct request_error error;
        enum request_result result = parse(refused[i].raw, refused[i].raw_bytes, &error);
        if (result != REQUEST_REFUSED || error.status != refused[i].status) {
            fail_msg("result %d, status %u, not %u: %s", (int)result, error.status,
                     refused[i].status, refused[i].raw);
        }
        assert_non_null(error.reason);
        assert_true(strlen(error.reason) > 0 && strpbrk(error.reason, "\r\n") == NULL);
    }
}

/* In whatever pieces a head comes, the verdict is the same, and stays once it is given. */
static void the_verdict_does_not_depend_on_the_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        bool is_refused = false;
        for (size_t length = 0; length <= refused[i].raw_bytes; length++) {
            struct request_error error;
            enum request_result result = parse(refused[i].raw, length, &error);
            if (result == REQUEST_COMPLETE || (is_refused && result != REQUEST_REFUSED) ||
                (result == REQUEST_REFUSED && error.status != refused[i].status)) {
                fail_msg("%zu bytes, result %d, status %u: %s", length, (int)result, error.status,
                         refused[i].raw);
            }
            is_refused = result == REQUEST_REFUSED;
        }
        assert_true(is_refused);
    }
}

/* Each byte of a good head replaced by each that must not be there. */
static void no_control_byte_gets_in_anywhere(void **state)
{
    (void)state;
    static const char good[] = "\r\nGET http://h/a?b HTTP/1.1\r\nHost: h\r\nA: b c\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct request_error error;
    assert_int_equal(parse(good, sizeof good - 1, &error), REQUEST_COMPLETE);
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (int byte = 0; byte <= 0x7f; byte++) {
            if ((byte >= 0x20 && byte < 0x7f) || byte == '\t' || byte == good[at]) {
                continue;
            }
            char bad[sizeof good - 1];
            memcpy(bad, good, sizeof bad);
            bad[at] = (char)byte;
            if (parse(bad, sizeof bad, &error) != REQUEST_REFUSED || error.status != 400) {
                fail_msg("byte %#x at %zu is not refused with 400", (unsigned)byte, at);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_which_status_and_why),
        cmocka_unit_test(the_verdict_does_not_depend_on_the_pieces),
        cmocka_unit_test(no_control_byte_gets_in_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

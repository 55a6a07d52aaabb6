#include "../cmocka_includes.h"

#include "verify/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY 100

static struct http_reply reply;

/* Feeds the text in pieces of `step` bytes, each in memory of its own, and closes at the end. */
static enum http_reply_state feed(const char *text, size_t length, size_t step)
{
    http_reply_begin(&reply, MAX_BODY);
    for (size_t at = 0; at < length; at += step) {
        size_t piece = length - at < step ? length - at : step;
        char *exact = malloc(piece);
        assert_non_null(exact);
        memcpy(exact, text + at, piece);
        http_reply_feed(&reply, span_of(exact, piece));
        free(exact);
    }
    return http_reply_closed(&reply);
}

static void expect_body(const char *text, unsigned status, const char *body)
{
    size_t length = strlen(text);
    for (size_t step = 1; step <= length; step++) {
        if (feed(text, length, step) != HTTP_REPLY_COMPLETE) {
            fail_msg("in pieces of %zu: %s", step, reply.error);
        }
        assert_int_equal(reply.status, status);
        assert_int_equal(reply.body_bytes, strlen(body));
        assert_string_equal(reply.body, body);
        http_reply_free(&reply);
    }
}

static void expect_refusal(const char *text, const char *reason)
{
    size_t length = strlen(text);
    for (size_t step = 1; step <= length + 1; step++) {
        assert_int_equal(feed(text, length, step), HTTP_REPLY_REFUSED);
        if (strstr(reply.error, reason) == NULL) {
            fail_msg("in pieces of %zu: %s", step, reply.error);
        }
        http_reply_free(&reply);
    }
}

static void reads_bodies_of_every_framing(void **state)
{
    (void)state;
    expect_body("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, "hello");
    expect_body("HTTP/1.1 200 OK\r\nContent-Length:5\r\ncontent-length: 5 \r\n\r\nhello behind",
                200, "hello");
    expect_body("HTTP/1.0 404 Not Found\n\nhello", 404, "hello");
    expect_body("HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n"
                "0\r\nt: x\r\n\r\n",
                200, "hello");
    expect_body("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "");
    expect_body("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
    expect_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 200,
                "ok");
}

static void refuses_what_is_ambiguous_or_cut_off(void **state)
{
    (void)state;
    expect_refusal("", "without an answer");
    expect_refusal("HTTP/1.1 200 OK\r\n", "in the middle");
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", "in the middle");
    expect_refusal("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
                   "in the middle");
    expect_refusal("SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP/1.1");
    expect_refusal("HTTP/2 200\r\n\r\n", "does not speak HTTP/1.1");
    expect_refusal("HTTP/1.1 2x0 OK\r\n\r\n", "status is not a number");
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
                   "Content-Length is not one number");
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "not one number");
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
                   "not one number");
    expect_refusal("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
                   "not just chunked");
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
                   "both Content-Length and Transfer-Encoding");
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", "compressed");
    expect_refusal("HTTP/1.1 200 OK\r\nno field\r\n\r\n", "is not a field");
    expect_refusal("HTTP/1.1 200 OK\r\n: x\r\n\r\n", "is not a field");
    expect_refusal("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                   "framing of its body is wrong");
}

static void keeps_to_its_limits(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%0*d", MAX_BODY,
             MAX_BODY, 0);
    assert_int_equal(feed(text, strlen(text), 7), HTTP_REPLY_COMPLETE);
    http_reply_free(&reply);
    expect_refusal("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n", "longer than 100 bytes");
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n%0*d", MAX_BODY + 1, 0);
    expect_refusal(text, "longer than 100 bytes");
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n%0*d",
             MAX_BODY + 1, 0);
    expect_refusal(text, "longer than 100 bytes");

    size_t long_bytes = HTTP_REPLY_MAX_HEAD_BYTES + 100;
    char *head = malloc(long_bytes);
    assert_non_null(head);
    memset(head, 'a', long_bytes);
    memcpy(head, "HTTP/1.1 200 OK\r\nx: ", 20);
    assert_int_equal(feed(head, long_bytes, 4096), HTTP_REPLY_REFUSED);
    assert_non_null(strstr(reply.error, "head is longer"));
    http_reply_free(&reply);
    free(head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_bodies_of_every_framing),
        cmocka_unit_test(refuses_what_is_ambiguous_or_cut_off),
        cmocka_unit_test(keeps_to_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

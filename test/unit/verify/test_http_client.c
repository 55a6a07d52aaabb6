#include "../cmocka_includes.h"

#include "base/clock.h"
#include "verify/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server for one connection: notes the request's head and answers with a fixed text. */
struct peer {
    int listener;
    struct url url;
    const char *answer; /* NULL: accepts, and says nothing until the client leaves */
    bool holds;         /* does not close until the client does */
    char request[4096];
    pthread_t thread;
};

static void *serve(void *context)
{
    struct peer *peer = context;
    int connection = accept(peer->listener, NULL, NULL);
    size_t length = 0;
    while (connection >= 0 && length < sizeof peer->request - 1 &&
           strstr(peer->request, "\r\n\r\n") == NULL) {
        ssize_t got =
            recv(connection, peer->request + length, sizeof peer->request - 1 - length, 0);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
    }
    if (peer->answer != NULL) {
        ssize_t sent = send(connection, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
        assert_int_equal(sent, (ssize_t)strlen(peer->answer));
    }
    char byte;
    while ((peer->answer == NULL || peer->holds) && recv(connection, &byte, 1, 0) > 0) {
    }
    close(connection);
    return NULL;
}

static void start(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    char text[64];
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->listener >= 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(peer->listener, 1), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(text, sizeof text, "http://127.0.0.1:%u/pre", ntohs(address.sin_port));
    assert_int_equal(url_parse(span_from_string(text), &peer->url, NULL), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void finish(struct peer *peer)
{
    pthread_join(peer->thread, NULL);
    close(peer->listener);
}

static int ask(struct peer *peer, int64_t timeout_ns, struct http_answer *answer, char *error)
{
    const struct http_client_limits limits = {.timeout_ns = timeout_ns, .max_body_bytes = 1000};
    start(peer);
    int result = http_get(&peer->url, "/a?b=c", &limits, answer, error);
    finish(peer);
    return result;
}

static void asks_and_reads_an_answer(void **state)
{
    (void)state;
    struct peer peer = {.answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
                        .holds = true};
    struct http_answer answer;
    char error[HTTP_CLIENT_ERROR_BYTES];
    assert_int_equal(ask(&peer, 60 * NS_PER_S, &answer, error), 0);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "hello");
    assert_true(answer.asked_ns > 0 && answer.asked_ns <= answer.answered_ns);
    free(answer.body);
    assert_true(strncmp(peer.request, "GET /pre/a?b=c HTTP/1.1\r\n", 25) == 0);
    assert_non_null(strstr(peer.request, "\r\nconnection: close\r\n"));
    char host[300];
    snprintf(host, sizeof host, "\r\nhost: %s\r\n", peer.url.authority);
    assert_non_null(strstr(peer.request, host));
    assert_null(strstr(peer.request, "accept-encoding"));
}

static void says_who_failed_and_why(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *reason;
    } cases[] = {
        {"", "closed the connection without an answer"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", "in the middle of its answer"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", "longer than 1000 bytes"},
        {"220 smtp.example.org\r\n\r\n", "does not speak HTTP/1.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer = {.answer = cases[i].answer};
        struct http_answer answer;
        char error[HTTP_CLIENT_ERROR_BYTES];
        assert_true(ask(&peer, 60 * NS_PER_S, &answer, error) < 0);
        assert_null(answer.body);
        if (strstr(error, cases[i].reason) == NULL || strstr(error, peer.url.authority) == NULL) {
            fail_msg("%s", error);
        }
    }
}

static void gives_up_at_its_deadline(void **state)
{
    (void)state;
    struct peer peer = {.answer = NULL};
    struct http_answer answer;
    char error[HTTP_CLIENT_ERROR_BYTES];
    assert_int_equal(ask(&peer, 30 * NS_PER_MS, &answer, error), -ETIMEDOUT);
    assert_non_null(strstr(error, "no answer in time"));
    struct peer slow = {.answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
                        .holds = true};
    assert_int_equal(ask(&slow, 30 * NS_PER_MS, &answer, error), -ETIMEDOUT);
}

static void nobody_listens(void **state)
{
    (void)state;
    const struct http_client_limits limits = {.timeout_ns = 60 * NS_PER_S, .max_body_bytes = 10};
    struct http_answer answer;
    struct url url;
    char error[HTTP_CLIENT_ERROR_BYTES];
    assert_int_equal(url_parse(SPAN("http://127.0.0.1:1"), &url, NULL), 0);
    assert_int_equal(http_get(&url, "/", &limits, &answer, error), -ECONNREFUSED);
    assert_non_null(strstr(error, "Connection refused"));
    /* RFC 6761: never a name. */
    assert_int_equal(url_parse(SPAN("http://nobody.invalid"), &url, NULL), 0);
    assert_true(http_get(&url, "/", &limits, &answer, error) < 0);
    assert_non_null(strstr(error, "cannot be resolved"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_and_reads_an_answer),
        cmocka_unit_test(says_who_failed_and_why),
        cmocka_unit_test(gives_up_at_its_deadline),
        cmocka_unit_test(nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

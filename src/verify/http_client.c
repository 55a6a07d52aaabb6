#include "verify/http_client.h"

#include "base/clock.h"
#include "verify/http_reply.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES 65536
#define REQUEST_MAX_BYTES 65536

struct exchange_state {
    const struct url *url;
    int socket;
    int64_t deadline_ns; /* monotonic */
    char *error;         /* HTTP_CLIENT_ERROR_BYTES */
};

PRINTF_LIKE(3, 4)
static int fail(struct exchange_state *exchange, int result, const char *format, ...)
{
    int length = snprintf(exchange->error, HTTP_CLIENT_ERROR_BYTES,
                          "http://%s%s: ", exchange->url->authority, exchange->url->prefix);
    if (length > 0 && length < HTTP_CLIENT_ERROR_BYTES) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(exchange->error + length, HTTP_CLIENT_ERROR_BYTES - (size_t)length, format,
                  arguments);
        va_end(arguments);
    }
    return result;
}

static int fail_errno(struct exchange_state *exchange, int number)
{
    char text[128];
    return fail(exchange, -number, "%s", strerror_r(number, text, sizeof text));
}

/* Waits until the socket is ready, or the deadline. */
static int await_socket(struct exchange_state *exchange, short events)
{
    for (;;) {
        int64_t left_ns = exchange->deadline_ns - clock_monotonic_ns();
        if (left_ns <= 0) {
            return fail(exchange, -ETIMEDOUT, "no answer in time");
        }
        struct pollfd wanted = {.fd = exchange->socket, .events = events};
        int ready = poll(&wanted, 1, (int)(left_ns / NS_PER_MS) + 1);
        if (ready > 0) {
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            return fail_errno(exchange, errno);
        }
    }
}

static int connect_to(struct exchange_state *exchange, const struct addrinfo *address)
{
    exchange->socket =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (exchange->socket < 0) {
        return fail_errno(exchange, errno);
    }
    int result = 0;
    if (connect(exchange->socket, address->ai_addr, address->ai_addrlen) != 0) {
        result =
            errno == EINPROGRESS ? await_socket(exchange, POLLOUT) : fail_errno(exchange, errno);
    }
    int number = 0;
    socklen_t length = sizeof number;
    if (result == 0 && getsockopt(exchange->socket, SOL_SOCKET, SO_ERROR, &number, &length) == 0 &&
        number != 0) {
        result = fail_errno(exchange, number);
    }
    if (result < 0) {
        close(exchange->socket);
        exchange->socket = -1;
    }
    return result;
}

static int open_connection(struct exchange_state *exchange, int64_t timeout_ns)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    int reason = getaddrinfo(exchange->url->host, exchange->url->port, &hints, &addresses);
    if (reason != 0) {
        return fail(exchange, -EHOSTUNREACH, "the host's name cannot be resolved: %s",
                    gai_strerror(reason));
    }
    exchange->deadline_ns = clock_monotonic_ns() + timeout_ns;
    int result = -EHOSTUNREACH;
    for (const struct addrinfo *one = addresses; one != NULL; one = one->ai_next) {
        result = connect_to(exchange, one);
        if (result == 0 || result == -ETIMEDOUT) {
            break;
        }
    }
    freeaddrinfo(addresses);
    return result;
}

static int send_all(struct exchange_state *exchange, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(exchange->socket, data, length, MSG_NOSIGNAL);
        if (sent > 0) {
            data += sent;
            length -= (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            int result = await_socket(exchange, POLLOUT);
            if (result < 0) {
                return result;
            }
        } else if (sent < 0 && errno != EINTR) {
            return fail_errno(exchange, errno);
        }
    }
    return 0;
}

static int receive_reply(struct exchange_state *exchange, struct http_reply *reply, char *memory)
{
    enum http_reply_state state = HTTP_REPLY_HEAD;
    while (state == HTTP_REPLY_HEAD || state == HTTP_REPLY_BODY) {
        ssize_t got = recv(exchange->socket, memory, RECEIVE_BYTES, 0);
        if (got > 0) {
            state = http_reply_feed(reply, span_of(memory, (size_t)got));
        } else if (got == 0) {
            state = http_reply_closed(reply);
        } else if (errno == EAGAIN) {
            int result = await_socket(exchange, POLLIN);
            if (result < 0) {
                return result;
            }
        } else if (errno != EINTR) {
            return fail_errno(exchange, errno);
        }
    }
    return state == HTTP_REPLY_COMPLETE ? 0 : fail(exchange, -EPROTO, "%s", reply->error);
}

static int exchange_messages(struct exchange_state *exchange, const char *target,
                             struct http_reply *reply, char *memory)
{
    int length = snprintf(memory, REQUEST_MAX_BYTES,
                          "GET %s%s HTTP/1.1\r\nhost: %s\r\naccept: application/json\r\n"
                          "user-agent: httpserver-verify\r\nconnection: close\r\n\r\n",
                          exchange->url->prefix, target, exchange->url->authority);
    if (length < 0 || length >= REQUEST_MAX_BYTES) {
        return fail(exchange, -E2BIG, "what is asked is too long");
    }
    int result = send_all(exchange, memory, (size_t)length);
    return result < 0 ? result : receive_reply(exchange, reply, memory);
}

int http_get(const struct url *url, const char *target, const struct http_client_limits *limits,
             struct http_answer *ret_answer, char error[HTTP_CLIENT_ERROR_BYTES])
{
    *ret_answer = (struct http_answer){0};
    struct exchange_state exchange = {.url = url, .socket = -1, .error = error};
    struct http_reply *reply = malloc(sizeof *reply);
    _Static_assert(RECEIVE_BYTES >= REQUEST_MAX_BYTES, "one piece of memory serves both");
    char *memory = malloc(RECEIVE_BYTES);
    int result = -ENOMEM;
    if (reply != NULL && memory != NULL) {
        http_reply_begin(reply, limits->max_body_bytes);
        result = open_connection(&exchange, limits->timeout_ns);
        if (result == 0) {
            ret_answer->asked_ns = clock_realtime_ns();
            result = exchange_messages(&exchange, target, reply, memory);
            ret_answer->answered_ns = clock_realtime_ns();
            close(exchange.socket);
        }
        if (result == 0) {
            ret_answer->status = reply->status;
            ret_answer->body = reply->body;
            ret_answer->body_bytes = reply->body_bytes;
        } else {
            http_reply_free(reply);
            *ret_answer = (struct http_answer){0};
        }
    } else {
        fail(&exchange, result, "no memory");
    }
    free(reply);
    free(memory);
    return result;
}

/*
 * The kernel's floor: the least a program can do that answers requests over TCP. It reads, counts
 * blank lines (each ends a request without a body), and sends as many copies of a canned response.
 * What it costs is what the kernel costs; script/bench measures the server against it.
 *
 *   floor PORT RESPONSE_BYTES             on 127.0.0.1; the response is filled up to that size
 *   floor PORT RESPONSE_BYTES filtered    behind a filter of system calls that lets all pass
 *
 * One thread, epoll, level-triggered. It trusts its client, and its only limit is MAX_CONNECTIONS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 16384
#define MAX_RESPONSE_BYTES 4096
#define COPIES_PER_SEND 64
#define READ_BYTES 65536

static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n"
                           "content-length: 10\r\nx-filler: ";
static const char tail[] = "\r\n\r\n<h1>0</h1>";

static char responses[COPIES_PER_SEND * MAX_RESPONSE_BYTES];
static size_t response_bytes;
/* By descriptor: how many bytes of a line whose end has not come yet have been read. */
static size_t line_bytes[MAX_CONNECTIONS];

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void prepare_responses(size_t bytes)
{
    size_t fixed = strlen(head) + strlen(tail);
    if (bytes < fixed || bytes > MAX_RESPONSE_BYTES) {
        fprintf(stderr, "floor: RESPONSE_BYTES must be %zu to %d\n", fixed, MAX_RESPONSE_BYTES);
        exit(EXIT_FAILURE);
    }
    response_bytes = bytes;
    memcpy(responses, head, strlen(head));
    memset(responses + strlen(head), 'x', bytes - fixed);
    memcpy(responses + bytes - strlen(tail), tail, strlen(tail));
    for (size_t copy = 1; copy < COPIES_PER_SEND; copy++) {
        memcpy(responses + copy * bytes, responses, bytes);
    }
}

static int listen_on(uint16_t port)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 4096) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
        die("floor: listen");
    }
    fprintf(stderr, "floor: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    return listener;
}

/* How many requests end in these bytes; a line may have begun in bytes before. */
static size_t count_blank_lines(const char *data, size_t length, size_t *line)
{
    size_t count = 0;
    const char *start = data;
    const char *end = data + length;
    for (;;) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));
        if (newline == NULL) {
            *line += (size_t)(end - start);
            return count;
        }
        /* A blank line is the CR alone. */
        count += *line + (size_t)(newline - start) <= 1;
        *line = 0;
        start = newline + 1;
    }
}

static bool answer(int descriptor, size_t count)
{
    while (count > 0) {
        size_t copies = count < COPIES_PER_SEND ? count : COPIES_PER_SEND;
        size_t bytes = copies * response_bytes;
        /* The client reads all the time; one that does not is cut off. */
        if (send(descriptor, responses, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
            return false;
        }
        count -= copies;
    }
    return true;
}

static bool serve(int descriptor)
{
    static char buffer[READ_BYTES];
    ssize_t length = recv(descriptor, buffer, sizeof(buffer), 0);
    if (length < 0 && errno == EAGAIN) {
        return true;
    }
    if (length <= 0) {
        return false;
    }
    size_t count = count_blank_lines(buffer, (size_t)length, &line_bytes[descriptor]);
    return answer(descriptor, count);
}

static void accept_one(int poller, int listener)
{
    int on = 1;
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (descriptor < 0) {
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (descriptor >= MAX_CONNECTIONS ||
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) {
        close(descriptor);
        return;
    }
    line_bytes[descriptor] = 0;
}

/* The shortest there is: that there is one costs, not what it says. */
static void filter_calls(void)
{
    struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = 1, .filter = &pass};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        die("floor: seccomp");
    }
}

int main(int argc, char **argv)
{
    bool filtered = argc == 4 && strcmp(argv[3], "filtered") == 0;
    if (argc != 3 && !filtered) {
        fputs("usage: floor PORT RESPONSE_BYTES [filtered]\n", stderr);
        return EXIT_FAILURE;
    }
    if (filtered) {
        filter_calls();
    }
    prepare_responses(strtoul(argv[2], NULL, 10));
    int listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    int poller = epoll_create1(0);
    struct epoll_event accepting = {.events = EPOLLIN, .data.fd = listener};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &accepting) < 0) {
        die("floor: epoll");
    }
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) {
                accept_one(poller, listener);
            } else if (!serve(events[i].data.fd)) {
                close(events[i].data.fd);
            }
        }
    }
}

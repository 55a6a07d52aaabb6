/*
 * A single-threaded server that serves /metrics itself, from its poll loop.
 *
 * No page is ever in memory as a whole: each connection has a scrape and a buffer of 16 KiB that is
 * filled again whenever the socket has room, so a slow scraper holds up nobody.
 *
 * usage: poll_loop [PORT]      PORT 0 (the default) takes a free one; it is printed
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, strcasestr */
#endif
#include <meter.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PEERS 64
#define REQUEST_BYTES 4096
#define PIECE_BYTES 16384

struct peer {
    int socket; /* -1: free */
    char request[REQUEST_BYTES];
    size_t request_length;
    struct meter_scrape *scrape; /* NULL until the request is read, and after the page */
    char piece[PIECE_BYTES];
    size_t piece_length;
    size_t piece_sent;
};

static struct meter *meter;
static struct meter_family *responses;
static struct meter_gauge *connections;
static struct peer peers[MAX_PEERS];
static volatile sig_atomic_t stopping;

static void stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static void close_peer(struct peer *peer)
{
    meter_scrape_end(peer->scrape);
    peer->scrape = NULL;
    close(peer->socket);
    peer->socket = -1;
    meter_gauge_dec(connections);
}

/* The value of Accept, or NULL; ends the request's text behind it. */
static const char *accept_field(char *request)
{
    char *field = strcasestr(request, "\r\naccept:");
    if (field == NULL) {
        return NULL;
    }
    field += strlen("\r\naccept:");
    field[strcspn(field, "\r")] = '\0';
    return field;
}

static void begin_answer(struct peer *peer)
{
    bool found = strncmp(peer->request, "GET /metrics", 12) == 0;
    meter_counter_inc(meter_counter_lookup(responses, METER_LABELS(found ? "200" : "404")));
    enum meter_format format = meter_negotiate(accept_field(peer->request));
    if (found) {
        peer->scrape = meter_scrape_begin(meter, format);
    }
    /* Without a length the page ends where the connection does. */
    int length = snprintf(peer->piece, sizeof peer->piece,
                          "HTTP/1.1 %s\r\nconnection: close\r\ncontent-type: %s\r\n\r\n%s",
                          found ? "200 OK" : "404 Not Found",
                          found ? meter_content_type(format) : "text/plain",
                          found ? "" : "There is /metrics.\n");
    peer->piece_length = (size_t)length;
    peer->piece_sent = 0;
}

static void read_request(struct peer *peer)
{
    size_t room = sizeof peer->request - peer->request_length - 1;
    ssize_t length = read(peer->socket, peer->request + peer->request_length, room);
    if (length <= 0) {
        close_peer(peer);
        return;
    }
    peer->request_length += (size_t)length;
    peer->request[peer->request_length] = '\0';
    if (strstr(peer->request, "\r\n\r\n") != NULL) {
        begin_answer(peer);
    } else if (peer->request_length == sizeof peer->request - 1) {
        close_peer(peer);
    }
}

/* Sends what is there, then asks the scrape for more. */
static void write_answer(struct peer *peer)
{
    ssize_t sent = send(peer->socket, peer->piece + peer->piece_sent,
                        peer->piece_length - peer->piece_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            close_peer(peer);
        }
        return;
    }
    peer->piece_sent += (size_t)sent;
    if (peer->piece_sent < peer->piece_length) {
        return;
    }
    ssize_t length =
        peer->scrape == NULL ? 0 : meter_scrape_read(peer->scrape, peer->piece, PIECE_BYTES);
    if (length <= 0) {
        close_peer(peer);
        return;
    }
    peer->piece_length = (size_t)length;
    peer->piece_sent = 0;
}

static void accept_peer(int listener)
{
    int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
        return;
    }
    for (int i = 0; i < MAX_PEERS; i++) {
        if (peers[i].socket < 0) {
            peers[i].socket = socket;
            peers[i].request_length = 0;
            peers[i].piece_length = 0;
            meter_gauge_inc(connections);
            return;
        }
    }
    close(socket);
}

static void serve(int listener)
{
    struct pollfd polled[MAX_PEERS + 1];
    while (!stopping) {
        polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (int i = 0; i < MAX_PEERS; i++) {
            short events = peers[i].piece_length > 0 ? POLLOUT : POLLIN;
            polled[i + 1] = (struct pollfd){.fd = peers[i].socket, .events = events};
        }
        if (poll(polled, MAX_PEERS + 1, -1) < 0) {
            continue;
        }
        for (int i = 0; i < MAX_PEERS; i++) {
            if (polled[i + 1].revents == 0 || peers[i].socket < 0) {
                continue;
            }
            if (peers[i].piece_length > 0) {
                write_answer(&peers[i]);
            } else {
                read_request(&peers[i]);
            }
        }
        if (polled[0].revents != 0) {
            accept_peer(listener);
        }
    }
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("poll_loop");
        exit(1);
    }
    printf("http://127.0.0.1:%u/metrics\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argument_count, char **arguments)
{
    struct meter_error error;
    meter = meter_new(NULL);
    responses = meter_register(meter,
                               &(struct meter_description){
                                   .type = METER_COUNTER,
                                   .name = "http_responses_total",
                                   .help = "Responses by status.",
                                   .labels = METER_LABELS("code"),
                               },
                               &error);
    connections = meter_new_gauge(meter, "http_connections", "Connections open now.");
    if (responses == NULL || meter_register_process(meter, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (int i = 0; i < MAX_PEERS; i++) {
        peers[i].socket = -1;
    }
    struct sigaction action = {.sa_handler = stop}; /* no SA_RESTART: poll is to return */
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    unsigned long port = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
    int listener = listen_on((uint16_t)port);
    serve(listener);
    for (int i = 0; i < MAX_PEERS; i++) {
        if (peers[i].socket >= 0) {
            close_peer(&peers[i]);
        }
    }
    close(listener);
    meter_free(meter);
    return 0;
}

/*
 * `httpserver health`: asks a running server whether it lives, for images without a shell.
 *
 * It has one deadline for everything, name look-up included, and that is a signal: so the rest can
 * be blocking and plain. Numeric addresses never reach the resolver.
 */
#include "base/clock.h"
#include "net/address.h"
#include "server/command.h"
#include "server/health_target.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 256 /* the status line is in its front */
#define REQUEST_BYTES (HEALTH_TEXT_BYTES * 2 + 128)

struct attempt {
    bool answered; /* a status line came */
    unsigned status;
    const char *failure; /* what went wrong otherwise; constant or strerror's */
};

static void say_late_and_exit(int number)
{
    (void)number;
    static const char message[] = "httpserver: no answer within --timeout\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written; /* where it fails, the status alone must do */
    _exit(EXIT_FAILURE);
}

static void set_deadline(int64_t timeout_ns)
{
    struct sigaction action = {.sa_handler = say_late_and_exit};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_value = {.tv_sec = timeout_ns / NS_PER_S,
                                           .tv_usec = timeout_ns % NS_PER_S / NS_PER_US}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static bool send_all(int fd, struct span bytes)
{
    while (bytes.length > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        bytes = span_after(bytes, (size_t)sent);
    }
    return true;
}

/* Reads until the first `capacity` bytes are there or the peer closes; -1 on an error. */
static ssize_t receive_front(int fd, char *memory, size_t capacity)
{
    size_t length = 0;
    while (length < capacity) {
        ssize_t received = recv(fd, memory + length, capacity - length, 0);
        if (received < 0) {
            return -1;
        }
        if (received == 0) {
            break;
        }
        length += (size_t)received;
    }
    return (ssize_t)length;
}

static struct attempt exchange(int fd, const struct health_target *target)
{
    char request[REQUEST_BYTES];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nhost: %s\r\nuser-agent: httpserver-health\r\n"
                          "connection: close\r\n\r\n",
                          target->path, target->authority);
    char answer[ANSWER_BYTES];
    if (!send_all(fd, span_of(request, (size_t)length))) {
        return (struct attempt){.failure = strerror(errno)};
    }
    ssize_t received = receive_front(fd, answer, sizeof answer);
    if (received < 0) {
        return (struct attempt){.failure = strerror(errno)};
    }
    struct attempt attempt = {.failure = "the answer is not HTTP"};
    attempt.answered = health_status(span_of(answer, (size_t)received), &attempt.status);
    return attempt;
}

static struct attempt ask(const struct address *address, const struct health_target *target)
{
    int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return (struct attempt){.failure = strerror(errno)};
    }
    struct attempt attempt = {0};
    if (connect(fd, &address->socket.any, address->length) != 0) {
        attempt.failure = strerror(errno);
    } else {
        attempt = exchange(fd, target);
    }
    close(fd);
    return attempt;
}

/* Asks each address of the name in turn until one answers. */
static struct attempt ask_by_name(const struct health_target *target)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(target->name, target->port, &hints, &found);
    if (error != 0) {
        return (struct attempt){.failure = gai_strerror(error)};
    }
    struct attempt attempt = {.failure = "the name has no address"};
    for (const struct addrinfo *one = found; one != NULL && !attempt.answered; one = one->ai_next) {
        struct address address = {.length = one->ai_addrlen};
        if (one->ai_addrlen <= sizeof address.socket) {
            memcpy(&address.socket, one->ai_addr, one->ai_addrlen);
            attempt = ask(&address, target);
        }
    }
    freeaddrinfo(found);
    return attempt;
}

static struct attempt ask_target(const struct health_target *target)
{
    if (target->name[0] != '\0') {
        return ask_by_name(target);
    }
    struct attempt attempt = {0};
    for (size_t i = 0; i < target->address_count && !attempt.answered; i++) {
        attempt = ask(&target->addresses[i], target);
    }
    return attempt;
}

int command_health_run(const struct configuration *configuration)
{
    struct health_target target;
    enum option_id option = OPTION_HEALTH_URL;
    const char *text = configuration->health_url;
    const char *reason = NULL;
    int result = 0;
    if (text != NULL) {
        result = health_target_from_url(span_from_string(text), &target, &reason);
    } else {
        bool admin = configuration->admin_listen.count > 0;
        option = admin ? OPTION_ADMIN_LISTEN : OPTION_LISTEN;
        text = (admin ? &configuration->admin_listen : &configuration->listen)->items[0];
        result = health_target_from_listen(span_from_string(text), &target, &reason);
    }
    if (result < 0) {
        fprintf(stderr, "httpserver: %s '%s': %s\n", configuration_origin(configuration, option),
                text, reason);
        return EXIT_USAGE;
    }
    set_deadline(configuration->health_timeout_ns);
    struct attempt attempt = ask_target(&target);
    if (!attempt.answered) {
        fprintf(stderr, "httpserver: %s: %s\n", text, attempt.failure);
        return EXIT_FAILURE;
    }
    if (attempt.status != 200) {
        fprintf(stderr, "httpserver: %s: %s answers with status %u\n", text, target.path,
                attempt.status);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

#include "server/health_target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define SCHEME "http://"
#define PROBE_PATH "/healthz"

static int refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return -EINVAL;
}

static bool copy_text(struct span text, char *memory, size_t capacity)
{
    if (text.length >= capacity) {
        return false;
    }
    memcpy(memory, text.data, text.length);
    memory[text.length] = '\0';
    return true;
}

/* What would end a field or the request line early has no place in either. */
static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static size_t find_byte(struct span text, char byte)
{
    const char *found = text.length == 0 ? NULL : memchr(text.data, byte, text.length);
    return found == NULL ? text.length : (size_t)(found - text.data);
}

/* The colon in front of the port, or the length; colons within brackets are the address's. */
static size_t find_port(struct span authority)
{
    size_t from = 0;
    if (authority.length > 0 && authority.data[0] == '[') {
        from = find_byte(authority, ']');
    }
    return from + find_byte(span_after(authority, from), ':');
}

/* The port is read, and where the host is numeric that too, as the listener's options are. */
static int set_host(struct health_target *target, struct span host, struct span port,
                    const char **ret_reason)
{
    char text[NI_MAXHOST + 16];
    const char *ignored = NULL;
    struct address any;
    int length = snprintf(text, sizeof text, "127.0.0.1:%.*s", (int)port.length, port.data);
    if (port.length > 5 || address_parse(span_of(text, (size_t)length), &any, ret_reason) < 0 ||
        any.socket.v4.sin_port == 0) {
        return refuse("the port must be a number from 1 to 65535", ret_reason);
    }
    if (host.length == 0 || host.length >= sizeof target->name) {
        return refuse("the host is missing or too long", ret_reason);
    }
    length = snprintf(text, sizeof text, "%.*s:%.*s", (int)host.length, host.data, (int)port.length,
                      port.data);
    if (address_parse(span_of(text, (size_t)length), &target->addresses[0], &ignored) == 0) {
        target->address_count = 1;
        return 0;
    }
    if (host.data[0] == '[') {
        return refuse("expected an IPv6 address in the brackets", ret_reason);
    }
    bool fits = copy_text(host, target->name, sizeof target->name) &&
                copy_text(port, target->port, sizeof target->port);
    return fits ? 0 : refuse("the host or the port is too long", ret_reason);
}

int health_target_from_url(struct span url, struct health_target *ret_target,
                           const char **ret_reason)
{
    *ret_target = (struct health_target){0};
    if (!span_starts_with(url, SPAN(SCHEME))) {
        return refuse("expected http://HOST[:PORT][/PATH]", ret_reason);
    }
    struct span rest = span_after(url, sizeof SCHEME - 1);
    struct span authority = span_of(rest.data, find_byte(rest, '/'));
    struct span path = span_after(rest, authority.length);
    if (path.length == 0) {
        path = SPAN(PROBE_PATH);
    }
    if (!is_plain(rest) || find_byte(authority, '@') < authority.length ||
        find_byte(path, '#') < path.length) {
        return refuse("expected http://HOST[:PORT][/PATH]", ret_reason);
    }
    if (!copy_text(authority, ret_target->authority, sizeof ret_target->authority) ||
        !copy_text(path, ret_target->path, sizeof ret_target->path)) {
        return refuse("it is too long", ret_reason);
    }
    struct span host = span_of(authority.data, find_port(authority));
    struct span port = SPAN("80");
    if (host.length < authority.length) {
        port = span_after(authority, host.length + 1);
    }
    return set_host(ret_target, host, port, ret_reason);
}

static uint16_t port_of(const struct address *address)
{
    return ntohs(address->socket.any.sa_family == AF_INET6 ? address->socket.v6.sin6_port
                                                           : address->socket.v4.sin_port);
}

static void set_v4_loopback(struct address *address, uint16_t port)
{
    *address = (struct address){.length = sizeof address->socket.v4};
    address->socket.v4.sin_family = AF_INET;
    address->socket.v4.sin_port = htons(port);
    address->socket.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* Nobody can connect to "every address"; whoever listens on it listens on loopback too. */
static void replace_any(struct health_target *target)
{
    struct address *first = &target->addresses[0];
    uint16_t port = port_of(first);
    if (first->socket.any.sa_family == AF_INET &&
        first->socket.v4.sin_addr.s_addr == htonl(INADDR_ANY)) {
        set_v4_loopback(first, port);
    } else if (first->socket.any.sa_family == AF_INET6 &&
               IN6_IS_ADDR_UNSPECIFIED(&first->socket.v6.sin6_addr)) {
        target->addresses[1] = *first;
        target->addresses[1].socket.v6.sin6_addr = in6addr_loopback;
        target->address_count = 2;
        set_v4_loopback(first, port);
    }
}

int health_target_from_listen(struct span listen, struct health_target *ret_target,
                              const char **ret_reason)
{
    *ret_target =
        (struct health_target){.address_count = 1, .authority = "localhost", .path = PROBE_PATH};
    int result = address_parse(listen, &ret_target->addresses[0], ret_reason);
    if (result < 0 || ret_target->addresses[0].socket.any.sa_family == AF_UNIX) {
        return result;
    }
    if (port_of(&ret_target->addresses[0]) == 0) {
        return refuse("the kernel chose the port: say which with --url", ret_reason);
    }
    replace_any(ret_target);
    return 0;
}

bool health_status(struct span answer, unsigned *ret_status)
{
    static const char pattern[] = "HTTP/1.x 000 ";
    if (answer.length < sizeof pattern - 1 || memcmp(answer.data, pattern, 7) != 0 ||
        (answer.data[7] != '0' && answer.data[7] != '1') || answer.data[8] != ' ' ||
        answer.data[12] != ' ') {
        return false;
    }
    *ret_status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (answer.data[i] < '0' || answer.data[i] > '9') {
            return false;
        }
        *ret_status = *ret_status * 10 + (unsigned)(answer.data[i] - '0');
    }
    return true;
}

#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static bool parse_port(struct span text, uint16_t *ret_port)
{
    if (text.length == 0 || text.length > 5) {
        return false;
    }
    uint32_t port = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    *ret_port = (uint16_t)port;
    return port <= UINT16_MAX;
}

static int refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return -EINVAL;
}

static int parse_unix(struct span path, struct address *ret, const char **ret_reason)
{
    if (path.length == 0 || path.data[0] != '/') {
        return refuse("unix: must be followed by an absolute path", ret_reason);
    }
    if (path.length >= sizeof ret->socket.local.sun_path) {
        return refuse("the path of a Unix socket has 107 bytes at most", ret_reason);
    }
    ret->socket.local.sun_family = AF_UNIX;
    memcpy(ret->socket.local.sun_path, path.data, path.length);
    ret->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + 1);
    return 0;
}

static void set_v6(struct address *ret, const struct in6_addr *host, uint16_t port)
{
    ret->socket.v6.sin6_family = AF_INET6;
    ret->socket.v6.sin6_addr = *host;
    ret->socket.v6.sin6_port = htons(port);
    ret->length = sizeof ret->socket.v6;
}

int address_parse(struct span text, struct address *ret_address, const char **ret_reason)
{
    *ret_address = (struct address){0};
    if (text.length > 0 && memchr(text.data, '\0', text.length) != NULL) {
        return refuse("an address holds no NUL byte", ret_reason);
    }
    if (span_starts_with(text, SPAN("unix:"))) {
        return parse_unix(span_after(text, 5), ret_address, ret_reason);
    }
    const char *colon = text.length == 0 ? NULL : memrchr(text.data, ':', text.length);
    if (colon == NULL) {
        return refuse("expected HOST:PORT, [IPv6]:PORT, :PORT or unix:/PATH", ret_reason);
    }
    struct span host = span_of(text.data, (size_t)(colon - text.data));
    uint16_t port = 0;
    if (!parse_port(span_after(text, host.length + 1), &port)) {
        return refuse("the port must be a number from 0 to 65535", ret_reason);
    }
    if (host.length == 0) {
        set_v6(ret_address, &in6addr_any, port);
        return 0;
    }
    char name[INET6_ADDRSTRLEN];
    bool brackets = host.data[0] == '[' && host.data[host.length - 1] == ']';
    struct span bare = brackets ? span_of(host.data + 1, host.length - 2) : host;
    if (span_equals(bare, SPAN("localhost"))) {
        bare = SPAN("127.0.0.1");
    }
    if (bare.length >= sizeof name) {
        return refuse("the host must be a numeric address", ret_reason);
    }
    memcpy(name, bare.data, bare.length);
    name[bare.length] = '\0';
    struct in6_addr v6;
    if (brackets && inet_pton(AF_INET6, name, &v6) == 1) {
        set_v6(ret_address, &v6, port);
        return 0;
    }
    struct in_addr v4;
    if (!brackets && inet_pton(AF_INET, name, &v4) == 1) {
        ret_address->socket.v4 = (struct sockaddr_in){
            .sin_family = AF_INET,
            .sin_port = htons(port),
            .sin_addr = v4,
        };
        ret_address->length = sizeof ret_address->socket.v4;
        return 0;
    }
    return refuse("the host must be a numeric address (IPv6 in brackets)", ret_reason);
}

void address_print(const struct address *address, struct buffer *buffer)
{
    char host[INET6_ADDRSTRLEN] = "";
    uint16_t port = 0;
    switch (address->socket.any.sa_family) {
    case AF_UNIX:
        buffer_append_span(buffer, SPAN("unix:"));
        buffer_append_span(buffer, span_from_string(address->socket.local.sun_path));
        return;
    case AF_INET6:
        inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, host, sizeof host);
        port = ntohs(address->socket.v6.sin6_port);
        buffer_append_byte(buffer, '[');
        buffer_append_span(buffer, span_from_string(host));
        buffer_append_byte(buffer, ']');
        break;
    default:
        inet_ntop(AF_INET, &address->socket.v4.sin_addr, host, sizeof host);
        port = ntohs(address->socket.v4.sin_port);
        buffer_append_span(buffer, span_from_string(host));
        break;
    }
    buffer_append_byte(buffer, ':');
    buffer_append_u64(buffer, port);
}

static void set_peer_v6(struct peer_address *peer, const struct in6_addr *v6)
{
    if (IN6_IS_ADDR_V4MAPPED(v6)) {
        peer->family = AF_INET;
        memcpy(peer->bytes, v6->s6_addr + 12, 4);
    } else {
        peer->family = AF_INET6;
        memcpy(peer->bytes, v6, sizeof *v6);
    }
}

struct peer_address peer_address_from(const struct sockaddr_storage *address)
{
    struct peer_address peer = {.family = (uint8_t)address->ss_family};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        memcpy(peer.bytes, &v4->sin_addr, sizeof v4->sin_addr);
        peer.port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        set_peer_v6(&peer, &v6->sin6_addr);
        peer.port = ntohs(v6->sin6_port);
    }
    return peer;
}

bool peer_address_parse(struct span text, struct peer_address *ret_peer)
{
    char name[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof name ||
        memchr(text.data, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(name, text.data, text.length);
    name[text.length] = '\0';
    *ret_peer = (struct peer_address){.family = AF_INET};
    if (inet_pton(AF_INET, name, ret_peer->bytes) == 1) {
        return true;
    }
    struct in6_addr v6;
    if (inet_pton(AF_INET6, name, &v6) != 1) {
        return false;
    }
    set_peer_v6(ret_peer, &v6);
    return true;
}

void peer_address_print(const struct peer_address *peer, struct buffer *buffer)
{
    if (peer->family == AF_INET) {
        for (unsigned i = 0; i < 4; i++) {
            if (i > 0) {
                buffer_append_byte(buffer, '.');
            }
            buffer_append_u64(buffer, peer->bytes[i]);
        }
    } else if (peer->family == AF_INET6) {
        char text[INET6_ADDRSTRLEN];
        inet_ntop(AF_INET6, peer->bytes, text, sizeof text);
        buffer_append_span(buffer, span_from_string(text));
    } else {
        buffer_append_span(buffer, SPAN("unix"));
    }
}

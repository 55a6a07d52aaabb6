/*
 * Addresses to listen on and of peers: parsing, printing. Any thread.
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/span.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What to bind to. */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } socket;
    socklen_t length; /* of the member in use */
};

/* Who is at the other end, in 20 bytes: a connection keeps one. */
struct peer_address {
    uint8_t bytes[16]; /* network order; IPv4 in the first four */
    uint16_t port;     /* host order */
    uint8_t family;    /* AF_INET, AF_INET6 or AF_UNIX */
};

/* Enough for the longest text of either kind, with its NUL. */
#define ADDRESS_TEXT_BYTES 128

/*
 * Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` (every address, IPv6 and IPv4) or `unix:/PATH`. HOST is
 * a numeric address or `localhost` (127.0.0.1); names are not looked up, so that starting does not
 * depend on a resolver. Port 0 asks the kernel for one. Returns 0, or -EINVAL with `*ret_reason`
 * set to a constant text that says what is wrong.
 */
WARN_UNUSED int address_parse(struct span text, struct address *ret_address,
                              const char **ret_reason);

/* Appends the address in the form that address_parse reads. */
void address_print(const struct address *address, struct buffer *buffer);

struct peer_address peer_address_from(const struct sockaddr_storage *address);

/*
 * Appends the IP without the port, IPv4 in dotted form (also when it came mapped into IPv6), IPv6
 * as RFC 5952 writes it, `unix` for a Unix socket.
 */
void peer_address_print(const struct peer_address *peer, struct buffer *buffer);

/*
 * Reads an IPv4 or IPv6 address without a port (a port of 0 is set); an IPv4 address mapped into
 * IPv6 becomes IPv4. False when it is neither.
 */
bool peer_address_parse(struct span text, struct peer_address *ret_peer);

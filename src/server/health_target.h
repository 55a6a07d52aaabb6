/*
 * Whom `httpserver health` asks: reading a URL or an address to listen on, and the status line of
 * the answer. Pure functions, any thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "net/address.h"

#include <netdb.h>

#define HEALTH_TEXT_BYTES 256

struct health_target {
    struct address addresses[2]; /* to try in this order; none when `name` is set */
    size_t address_count;
    char name[NI_MAXHOST];             /* to be looked up; empty for numeric addresses */
    char port[8];                      /* decimal, beside `name` */
    char authority[HEALTH_TEXT_BYTES]; /* for the host field */
    char path[HEALTH_TEXT_BYTES];      /* begins with a slash */
};

/*
 * Reads `http://HOST[:PORT][/PATH]`. PORT is 80 and PATH /healthz where they are left out; HOST is
 * an IPv4 address, an IPv6 address in brackets, or a name. Returns 0, or -EINVAL with a constant
 * text in `*ret_reason`.
 */
WARN_UNUSED int health_target_from_url(struct span url, struct health_target *ret_target,
                                       const char **ret_reason);

/*
 * Reads an address in the form of --listen. Every address (0.0.0.0, [::]) is asked on the loopback
 * interface: of IPv4 first, since containers often have no IPv6 there, then of IPv6.
 */
WARN_UNUSED int health_target_from_listen(struct span listen, struct health_target *ret_target,
                                          const char **ret_reason);

/*
 * Finds the status in the front of an answer (RFC 9112, section 4). False when it is not that of
 * HTTP/1.0 or HTTP/1.1.
 */
WARN_UNUSED bool health_status(struct span answer, unsigned *ret_status);

/*
 * The addresses that verify asks: `http://HOST[:PORT][/PREFIX]`, where the prefix is that of a
 * Prometheus behind a proxy (--web.route-prefix). Pure functions, any thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/parse_error.h"
#include "base/span.h"

#include <stdbool.h>

#define URL_HOST_MAX_BYTES 253 /* the longest name of DNS (RFC 1035, section 2.3.4) */
#define URL_PREFIX_MAX_BYTES 512

struct url {
    char host[URL_HOST_MAX_BYTES + 1];       /* lower case; IPv6 without its brackets */
    char port[6];                            /* decimal; "80" when none was given */
    char authority[URL_HOST_MAX_BYTES + 10]; /* host:port as Host wants it, IPv6 in brackets */
    char prefix[URL_PREFIX_MAX_BYTES + 1];   /* "" or "/a/b", without a slash at its end */
};

/*
 * Reads the whole text. User information, a query and a fragment are refused, and so is https:
 * there is no TLS in it. -EINVAL with `error` (may be NULL) saying why.
 */
int url_parse(struct span text, struct url *ret_url, struct parse_error *error) WARN_UNUSED;

/* The same host (by name, not by address) and port; `localhost` is 127.0.0.1. */
bool url_same_authority(const struct url *a, const struct url *b);

/*
 * Appends the text with every byte that is not unreserved (RFC 3986, section 2.3) as %HH: a
 * value for a query.
 */
void buffer_append_percent_encoded(struct buffer *buffer, struct span text);

#include "http/authority.h"

#include "http/scan.h"

#include <arpa/inet.h>

static bool port_is_valid(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ) */
static bool future_address_is_valid(struct span text)
{
    size_t at = 1;
    while (at < text.length && scan_is(text.data[at], SCAN_HEX)) {
        at++;
    }
    if (at == 1 || at + 1 >= text.length || text.data[at] != '.') {
        return false;
    }
    for (at++; at < text.length; at++) {
        if (text.data[at] != ':' && !scan_is(text.data[at], SCAN_HOST)) {
            return false;
        }
    }
    return true;
}

static bool literal_is_valid(struct span text)
{
    if (text.length > 0 && ascii_lower(text.data[0]) == 'v') {
        return future_address_is_valid(text);
    }
    char name[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.length == 0 || text.length >= sizeof name ||
        memchr(text.data, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(name, text.data, text.length);
    name[text.length] = '\0';
    return inet_pton(AF_INET6, name, &address) == 1;
}

bool authority_is_valid(struct span text)
{
    if (text.length == 0) {
        return false;
    }
    if (text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.length);
        if (close == NULL) {
            return false;
        }
        size_t after = (size_t)(close - text.data) + 1;
        struct span rest = span_after(text, after);
        return literal_is_valid(span_of(text.data + 1, after - 2)) &&
               (rest.length == 0 || (rest.data[0] == ':' && port_is_valid(span_after(rest, 1))));
    }
    size_t at = 0;
    while (at < text.length) {
        at = (size_t)(scan_host(text.data + at, text.data + text.length) - text.data);
        if (text.length - at >= 3 && text.data[at] == '%' && scan_is(text.data[at + 1], SCAN_HEX) &&
            scan_is(text.data[at + 2], SCAN_HEX)) {
            at += 3;
        } else {
            break;
        }
    }
    if (at == 0) {
        return false; /* an http URI with an empty host is invalid (RFC 9110, section 4.2.1) */
    }
    return at == text.length || (text.data[at] == ':' && port_is_valid(span_after(text, at + 1)));
}

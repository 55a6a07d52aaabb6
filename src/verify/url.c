#include "verify/url.h"

#include "base/buffer.h"
#include "http/scan.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_PORT "80"
#define MAX_PORT 65535

static int read_port(struct span whole, struct span port, struct url *url,
                     struct parse_error *error)
{
    size_t offset = (size_t)(port.data - whole.data);
    unsigned number = 0;
    for (size_t i = 0; i < port.length; i++) {
        char digit = port.data[i];
        number =
            digit >= '0' && digit <= '9' ? number * 10 + (unsigned)(digit - '0') : MAX_PORT + 1;
        if (number > MAX_PORT) {
            return parse_error_set(error, offset, "the port must be a number from 1 to 65535");
        }
    }
    if (number == 0) {
        return parse_error_set(error, offset, "the port must be a number from 1 to 65535");
    }
    snprintf(url->port, sizeof url->port, "%u", number);
    return 0;
}

/* The host before the port, and where the port begins: `text.length` when there is none. */
static int read_host(struct span whole, struct span text, struct url *url, size_t *ret_end,
                     struct parse_error *error)
{
    bool literal = text.length > 0 && text.data[0] == '[';
    size_t begin = literal ? 1 : 0;
    size_t end = begin;
    while (end < text.length && text.data[end] != (literal ? ']' : ':')) {
        char byte = text.data[end];
        bool allowed = literal ? scan_is(byte, SCAN_HEX) || byte == ':' || byte == '.'
                               : scan_is(byte, SCAN_HOST);
        if (!allowed) {
            return parse_error_expected(error, whole, (size_t)(text.data + end - whole.data),
                                        "a host name or address");
        }
        end++;
    }
    size_t offset = (size_t)(text.data - whole.data);
    if (end == begin) {
        return parse_error_expected(error, whole, offset + end, "a host name or address");
    }
    if (end - begin > URL_HOST_MAX_BYTES) {
        return parse_error_set(error, offset, "the host has more than %d bytes",
                               URL_HOST_MAX_BYTES);
    }
    if (literal && end == text.length) {
        return parse_error_expected(error, whole, offset + end, "']'");
    }
    for (size_t i = begin; i < end; i++) {
        url->host[i - begin] = ascii_lower(text.data[i]);
    }
    url->host[end - begin] = '\0';
    *ret_end = literal ? end + 1 : end;
    return 0;
}

static int read_authority(struct span whole, struct span text, struct url *url,
                          struct parse_error *error)
{
    size_t end = 0;
    int result = read_host(whole, text, url, &end, error);
    if (result < 0) {
        return result;
    }
    snprintf(url->port, sizeof url->port, DEFAULT_PORT);
    if (end < text.length) {
        if (text.data[end] != ':') {
            return parse_error_expected(error, whole, (size_t)(text.data + end - whole.data),
                                        "':' or '/'");
        }
        result = read_port(whole, span_after(text, end + 1), url, error);
    }
    bool literal = text.data[0] == '[';
    snprintf(url->authority, sizeof url->authority, "%s%s%s:%s", literal ? "[" : "", url->host,
             literal ? "]" : "", url->port);
    return result;
}

static int read_prefix(struct span whole, struct span text, struct url *url,
                       struct parse_error *error)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte <= ' ' || byte > '~' || byte == '?' || byte == '#') {
            return parse_error_set(error, (size_t)(text.data + i - whole.data),
                                   "a query, a fragment or a space has no place here");
        }
    }
    while (text.length > 0 && text.data[text.length - 1] == '/') {
        text.length--;
    }
    if (text.length > URL_PREFIX_MAX_BYTES) {
        return parse_error_set(error, (size_t)(text.data - whole.data),
                               "the path has more than %d bytes", URL_PREFIX_MAX_BYTES);
    }
    if (text.length > 0) {
        memcpy(url->prefix, text.data, text.length);
    }
    url->prefix[text.length] = '\0';
    return 0;
}

int url_parse(struct span text, struct url *ret_url, struct parse_error *error)
{
    *ret_url = (struct url){0};
    const struct span scheme = SPAN("http://");
    if (text.length >= 8 && span_equals_ignoring_case(span_of(text.data, 8), SPAN("https://"))) {
        return parse_error_set(error, 0,
                               "https is not spoken here: give an http:// address, such "
                               "as that of a port-forward");
    }
    if (text.length < scheme.length ||
        !span_equals_ignoring_case(span_of(text.data, scheme.length), scheme)) {
        return parse_error_set(error, 0, "expected http://HOST[:PORT][/PREFIX]");
    }
    struct span rest = span_after(text, scheme.length);
    size_t slash = 0;
    while (slash < rest.length && rest.data[slash] != '/') {
        slash++;
    }
    int result = read_authority(text, span_of(rest.data, slash), ret_url, error);
    return result < 0 ? result : read_prefix(text, span_after(rest, slash), ret_url, error);
}

static const char *canonical_host(const struct url *url)
{
    return strcmp(url->host, "localhost") == 0 ? "127.0.0.1" : url->host;
}

bool url_same_authority(const struct url *a, const struct url *b)
{
    return strcmp(canonical_host(a), canonical_host(b)) == 0 && strcmp(a->port, b->port) == 0;
}

static bool is_unreserved(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void buffer_append_percent_encoded(struct buffer *buffer, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned byte = (unsigned char)text.data[i];
        if (is_unreserved(text.data[i])) {
            buffer_append_byte(buffer, text.data[i]);
        } else {
            const char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};
            buffer_append(buffer, escaped, sizeof escaped);
        }
    }
}

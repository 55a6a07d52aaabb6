/*
 * A span: a run of bytes that somebody else owns, with its length and no terminator.
 * Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *data; /* not owned; may be NULL when length is 0 */
    size_t length;    /* bytes */
};

/* A span over a string literal or a character array, without its terminating NUL. */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const char *data, size_t length)
{
    return (struct span){data, length};
}

static inline struct span span_from_string(const char *string)
{
    return (struct span){string, strlen(string)};
}

static inline bool span_equals(struct span a, struct span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool span_starts_with(struct span text, struct span prefix)
{
    return text.length >= prefix.length &&
           (prefix.length == 0 || memcmp(text.data, prefix.data, prefix.length) == 0);
}

/* ASCII only: HTTP's names are (RFC 9110, section 5.1), and the locale must not matter. */
static inline char ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static inline bool span_equals_ignoring_case(struct span a, struct span b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (a.data[i] != b.data[i] && ascii_lower(a.data[i]) != ascii_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

/* The span without the bytes before `count`; count must not exceed the length. */
static inline struct span span_after(struct span text, size_t count)
{
    return (struct span){text.data + count, text.length - count};
}

/* HTTP's white space (SP, HTAB; RFC 9110, section 5.6.3); nearly all other bytes are above both. */
static inline bool span_is_blank(char byte)
{
    return byte <= ' ' && (byte == ' ' || byte == '\t');
}

/* The span without the white space around it. */
static inline struct span span_trim(struct span text)
{
    while (text.length > 0 && span_is_blank(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && span_is_blank(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

#include "meter/name.h"

#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_BYTES 3

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(struct span name, bool colons)
{
    if (name.length == 0 || is_digit(name.data[0])) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        if (!is_letter(c) && !is_digit(c) && !(colons && c == ':')) {
            return false;
        }
    }
    return true;
}

bool name_is_metric(struct span name)
{
    return is_name(name, true);
}

bool name_is_label(struct span name)
{
    return is_name(name, false) && !span_starts_with(name, SPAN("__"));
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the valid sequence at the front of `text`, or 0. */
static size_t sequence_bytes(struct span text)
{
    const unsigned char *p = (const unsigned char *)text.data;
    unsigned char first = p[0];
    if (first < 0x80) {
        return first != 0;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.length < length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(p[i])) {
            return 0;
        }
    }
    bool overlong = (first == 0xe0 && p[1] < 0xa0) || (first == 0xf0 && p[1] < 0x90);
    bool surrogate = first == 0xed && p[1] > 0x9f;
    bool beyond = first == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

static size_t plain_prefix(struct span text)
{
    size_t i = 0;
    /* Eight bytes at a time: none is NUL and none has its top bit set. */
    for (; i + 8 <= text.length; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, sizeof word);
        uint64_t borrow = word - UINT64_C(0x0101010101010101);
        if ((word | borrow) & UINT64_C(0x8080808080808080)) {
            break;
        }
    }
    while (i < text.length && (signed char)text.data[i] > 0) {
        i++;
    }
    return i;
}

bool text_is_clean(struct span text)
{
    text = span_after(text, plain_prefix(text));
    while (text.length > 0) {
        size_t length = sequence_bytes(text);
        if (length == 0) {
            return false;
        }
        text = span_after(text, length);
    }
    return true;
}

/* Counts only when `out` is NULL. */
static size_t clean(struct span text, char *out)
{
    size_t written = 0;
    while (text.length > 0) {
        size_t length = sequence_bytes(text);
        const char *source = length > 0 ? text.data : REPLACEMENT;
        size_t bytes = length > 0 ? length : REPLACEMENT_BYTES;
        if (out != NULL) {
            memcpy(out + written, source, bytes);
        }
        written += bytes;
        text = span_after(text, length > 0 ? length : 1);
    }
    return written;
}

size_t text_clean_bytes(struct span text)
{
    return clean(text, NULL);
}

size_t text_clean(struct span text, char *out)
{
    return clean(text, out);
}

size_t text_code_points(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += !is_continuation((unsigned char)text.data[i]);
    }
    return count;
}

#include "base/parse_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int parse_error_set(struct parse_error *error, size_t offset, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->offset = offset;
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return -EINVAL;
}

int parse_error_expected(struct parse_error *error, struct span text, size_t offset,
                         const char *expected)
{
    if (offset >= text.length) {
        return parse_error_set(error, text.length, "expected %s at character %zu, found the end",
                               expected, text.length + 1);
    }
    char memory[8];
    struct buffer found = buffer_over(memory, sizeof memory);
    buffer_append_printable(&found, span_of(text.data + offset, 1), 1);
    return parse_error_set(error, offset, "expected %s at character %zu, found '%.*s'", expected,
                           offset + 1, (int)found.length, found.data);
}

void buffer_append_printable(struct buffer *buffer, struct span text, size_t max_bytes)
{
    static const char hex[] = "0123456789abcdef";
    size_t shown = text.length < max_bytes ? text.length : max_bytes;
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= ' ' && byte <= '~' && byte != '\\') {
            buffer_append_byte(buffer, (char)byte);
        } else {
            const char escaped[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
            buffer_append(buffer, escaped, sizeof escaped);
        }
    }
    if (shown < text.length) {
        buffer_append_span(buffer, SPAN("..."));
    }
}

#include "app/query.h"

#define SHOWN_BYTES 32 /* of what is refused */

bool query_next(struct span *query, struct query_parameter *ret_parameter)
{
    while (query->length > 0) {
        const char *ampersand = memchr(query->data, '&', query->length);
        size_t length = ampersand == NULL ? query->length : (size_t)(ampersand - query->data);
        struct span text = span_of(query->data, length);
        *query = span_after(*query, ampersand == NULL ? length : length + 1);
        if (length > 0) {
            const char *equals = memchr(text.data, '=', text.length);
            size_t name = equals == NULL ? text.length : (size_t)(equals - text.data);
            *ret_parameter = (struct query_parameter){
                .name = span_of(text.data, name),
                .value = span_after(text, equals == NULL ? name : name + 1),
                .has_value = equals != NULL,
            };
            return true;
        }
    }
    return false;
}

static int hexadecimal(char c)
{
    char lower = ascii_lower(c);
    return lower >= '0' && lower <= '9'   ? lower - '0'
           : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                          : -1;
}

int query_decode(struct span text, struct buffer *output, struct parse_error *error)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '%') {
            buffer_append_byte(output, (char)(text.data[i] == '+' ? ' ' : text.data[i]));
            continue;
        }
        int high = i + 2 < text.length ? hexadecimal(text.data[i + 1]) : -1;
        int low = i + 2 < text.length ? hexadecimal(text.data[i + 2]) : -1;
        if (high < 0 || low < 0) {
            char memory[4 * SHOWN_BYTES + 8];
            struct buffer shown = buffer_over(memory, sizeof memory);
            buffer_append_printable(&shown, text, SHOWN_BYTES);
            return parse_error_set(error, 0,
                                   "`%.*s` has a %% without two hexadecimal digits behind it",
                                   (int)shown.length, shown.data);
        }
        buffer_append_byte(output, (char)(high * 16 + low));
        i += 2;
    }
    return 0;
}

/* Whether the parameter has this name, which may be encoded as anything else. */
static int has_name(const struct query_parameter *parameter, struct span name, bool *ret_has,
                    struct parse_error *error)
{
    char memory[64];
    struct buffer decoded = buffer_over(memory, sizeof memory);
    int result = query_decode(parameter->name, &decoded, error);
    *ret_has = result == 0 && !decoded.overflowed && span_equals(buffer_span(&decoded), name);
    return result;
}

int query_find(struct span query, struct span name, struct buffer *value, bool *ret_found,
               struct parse_error *error)
{
    *ret_found = false;
    struct query_parameter parameter;
    while (query_next(&query, &parameter)) {
        bool has = false;
        int result = has_name(&parameter, name, &has, error);
        if (result != 0) {
            return result;
        }
        if (!has) {
            continue;
        }
        if (*ret_found) {
            return parse_error_set(error, 0, "%s: it is given twice", name.data);
        }
        result = query_decode(parameter.value, value, error);
        if (result != 0) {
            return result;
        }
        if (!parameter.has_value || value->overflowed) {
            return parse_error_set(error, 0, "%s: %s", name.data,
                                   value->overflowed ? "it is too long" : "it has no value");
        }
        *ret_found = true;
    }
    return 0;
}

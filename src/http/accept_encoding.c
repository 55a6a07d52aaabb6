#include "http/accept_encoding.h"

#include "http/list.h"

/* Whether the weight behind ";" is 0, 0.0, 0.00 or 0.000 (RFC 9110, section 12.4.2). */
static bool weight_is_zero(struct span parameters)
{
    struct span weight = span_trim(parameters);
    if (weight.length < 3 || ascii_lower(weight.data[0]) != 'q' || weight.data[1] != '=') {
        return false;
    }
    for (size_t i = 2; i < weight.length; i++) {
        if (weight.data[i] != '0' && weight.data[i] != '.') {
            return false;
        }
    }
    return true;
}

bool accept_encoding_allows_gzip(struct span value)
{
    bool by_name = false, named = false, by_star = false;
    struct span element;
    while (list_next(&value, &element)) {
        const char *semicolon = memchr(element.data, ';', element.length);
        size_t length = semicolon == NULL ? element.length : (size_t)(semicolon - element.data);
        struct span coding = span_trim(span_of(element.data, length));
        bool wanted = semicolon == NULL || !weight_is_zero(span_after(element, length + 1));
        if (span_equals_ignoring_case(coding, SPAN("gzip")) ||
            span_equals_ignoring_case(coding, SPAN("x-gzip"))) {
            named = true;
            by_name |= wanted;
        } else if (span_equals(coding, SPAN("*"))) {
            by_star = wanted;
        }
    }
    return named ? by_name : by_star;
}

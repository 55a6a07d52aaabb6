#include "app/trace_context.h"

/* "00-" trace-id "-" parent-id "-" trace-flags */
#define TRACE_ID_AT 3
#define SPAN_ID_AT (TRACE_ID_AT + TRACE_ID_DIGITS + 1)
#define FLAGS_AT (SPAN_ID_AT + SPAN_ID_DIGITS + 1)
#define VERSION_00_BYTES (FLAGS_AT + 2)

static bool are_digits(const char *from, size_t count, bool *ret_all_zero)
{
    *ret_all_zero = true;
    for (size_t i = 0; i < count; i++) {
        bool digit = (from[i] >= '0' && from[i] <= '9') || (from[i] >= 'a' && from[i] <= 'f');
        if (!digit) {
            return false;
        }
        *ret_all_zero &= from[i] == '0';
    }
    return true;
}

bool trace_context_parse(struct span value, struct trace_context *ret_context)
{
    const char *text = value.data;
    if (value.length < VERSION_00_BYTES || text[TRACE_ID_AT - 1] != '-' ||
        text[SPAN_ID_AT - 1] != '-' || text[FLAGS_AT - 1] != '-') {
        return false;
    }
    bool version_00 = false, no_trace = false, no_span = false, no_flags = false;
    if (!are_digits(text, 2, &version_00) ||
        !are_digits(text + TRACE_ID_AT, TRACE_ID_DIGITS, &no_trace) ||
        !are_digits(text + SPAN_ID_AT, SPAN_ID_DIGITS, &no_span) ||
        !are_digits(text + FLAGS_AT, 2, &no_flags)) {
        return false;
    }
    bool length_fits =
        value.length == VERSION_00_BYTES || (!version_00 && text[VERSION_00_BYTES] == '-');
    bool version_ff = text[0] == 'f' && text[1] == 'f';
    *ret_context = (struct trace_context){text + TRACE_ID_AT, text + SPAN_ID_AT};
    return length_fits && !version_ff && !no_trace && !no_span;
}

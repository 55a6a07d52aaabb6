/*
 * The traceparent field of W3C Trace Context (Recommendation, version 00): which trace a request
 * belongs to. Pure functions, any thread.
 */
#pragma once

#include "base/span.h"

#define TRACE_ID_DIGITS 32
#define SPAN_ID_DIGITS 16

/* Parts of a valid traceparent: hexadecimal digits in lower case, not terminated. */
struct trace_context {
    const char *trace_id; /* TRACE_ID_DIGITS */
    const char *span_id;  /* SPAN_ID_DIGITS: of the caller */
};

/*
 * False when the value is not valid: then it must not be used (section 3.2.2). Versions above 00
 * are read as far as version 00 defines them; ff is invalid, as are ids of zeros.
 */
bool trace_context_parse(struct span value, struct trace_context *ret_context);

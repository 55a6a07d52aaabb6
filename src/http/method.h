/*
 * Request methods (RFC 9110, section 9; PATCH: RFC 5789).
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

enum method {
    METHOD_OTHER, /* not one of these: answered 501 */
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_CONNECT,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_PATCH,
    METHOD_COUNT
};

/* A set of methods. */
#define METHOD_BIT(method) (1U << (method))

enum method method_from(struct span name);

/* In capitals; "other" for METHOD_OTHER, as metrics call it. */
struct span method_name(enum method method);

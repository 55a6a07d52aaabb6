#include "http/method.h"

#include "base/assert.h"

static const struct span names[METHOD_COUNT] = {
    [METHOD_OTHER] = {"other", 5},     [METHOD_GET] = {"GET", 3},
    [METHOD_HEAD] = {"HEAD", 4},       [METHOD_POST] = {"POST", 4},
    [METHOD_PUT] = {"PUT", 3},         [METHOD_DELETE] = {"DELETE", 6},
    [METHOD_CONNECT] = {"CONNECT", 7}, [METHOD_OPTIONS] = {"OPTIONS", 7},
    [METHOD_TRACE] = {"TRACE", 5},     [METHOD_PATCH] = {"PATCH", 5},
};

enum method method_from(struct span name)
{
    /* Not in a loop: a comparison with a text of known length is an instruction or two. */
#define IS(literal) span_equals(name, SPAN(literal))
    return IS("GET")       ? METHOD_GET
           : IS("HEAD")    ? METHOD_HEAD
           : IS("POST")    ? METHOD_POST
           : IS("PUT")     ? METHOD_PUT
           : IS("DELETE")  ? METHOD_DELETE
           : IS("CONNECT") ? METHOD_CONNECT
           : IS("OPTIONS") ? METHOD_OPTIONS
           : IS("TRACE")   ? METHOD_TRACE
           : IS("PATCH")   ? METHOD_PATCH
                           : METHOD_OTHER;
#undef IS
}

struct span method_name(enum method method)
{
    ASSERT(method < METHOD_COUNT);
    return names[method];
}

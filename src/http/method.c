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
    for (unsigned i = METHOD_GET; i < METHOD_COUNT; i++) {
        if (span_equals(name, names[i])) {
            return (enum method)i;
        }
    }
    return METHOD_OTHER;
}

struct span method_name(enum method method)
{
    ASSERT(method < METHOD_COUNT);
    return names[method];
}

#include "http/head_memo.h"

#include "base/assert.h"

static bool has_credentials(const struct request *request)
{
    static const struct span names[] = {
        {"authorization", 13}, {"proxy-authorization", 19}, {"cookie", 6}};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (request_find(request, names[i]).data != NULL) {
            return true;
        }
    }
    return false;
}

NO_INLINE void head_memo_remember(struct head_memo *memo, struct span head,
                                  const struct request *request,
                                  const struct request_limits *limits)
{
    memo->others = 0;
    if (head.length > sizeof memo->text || has_credentials(request)) {
        return;
    }
    memcpy(memo->text, head.data, head.length);
    memo->length = (uint32_t)head.length;
    /* Parsed once more, so that its spans point to where the text is kept. */
    struct request_error error;
    size_t head_bytes = 0;
    enum request_result result = request_parse(span_of(memo->text, head.length), limits,
                                               &memo->request, &head_bytes, &error);
    ASSERT(result == REQUEST_COMPLETE && head_bytes == head.length);
}

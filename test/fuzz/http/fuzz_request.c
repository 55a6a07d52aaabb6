/*
 * Any bytes as a request's head: every prefix is judged, and once the verdict is COMPLETE or
 * REFUSED more bytes must not change it; what is understood lies inside the input. The first byte
 * chooses the limit. A head that is remembered is what it was when it was parsed.
 */
#include "base/assert.h"
#include "http/authority.h"
#include "http/head_memo.h"
#include "http/request.h"
#include "http/scan.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
    enum request_result result;
    struct request_error error;
    size_t head_bytes;
    struct request request;
};

static void check_inside(struct span inner, const char *from, const char *end)
{
    ASSERT(inner.length == 0 || (inner.data >= from && inner.data + inner.length <= end));
}

/* Of a head at `from`. */
static void check_complete(const struct request *request, const char *from, size_t head_bytes,
                           size_t max_head_bytes)
{
    const char *end = from + head_bytes;
    ASSERT(head_bytes >= 18 && head_bytes <= max_head_bytes);
    ASSERT(memcmp(end - 4, "\r\n\r\n", 4) == 0);
    ASSERT(memchr(from, '\0', head_bytes) == NULL);
    check_inside(request->method_name, from, end);
    check_inside(request->target, from, end);
    check_inside(request->query, from, end);
    check_inside(request->host, from, end);
    check_inside(request->connection, from, end);
    ASSERT(request->path.length > 0 && (request->asterisk || request->path.data[0] == '/'));
    if (!span_equals(request->path, SPAN("/"))) {
        check_inside(request->path, from, end);
    }
    ASSERT(request->method != METHOD_OTHER && request->method != METHOD_CONNECT);
    ASSERT(request->minor_version <= 1 && request->field_count <= REQUEST_MAX_FIELDS);
    ASSERT(request->host.length > 0 || request->minor_version == 0);
    ASSERT(request->host.length == 0 || authority_is_valid(request->host));
    ASSERT(!request->chunked || request->content_length == 0);
    unsigned hosts = 0, framings = 0;
    for (uint32_t i = 0; i < request->field_count; i++) {
        struct span name = request->fields[i].name, value = request->fields[i].value;
        check_inside(name, from, end);
        check_inside(value, from, end);
        ASSERT(name.length > 0 && scan_token(name.data, end) == name.data + name.length);
        ASSERT(memchr(value.data, '\r', value.length) == NULL);
        ASSERT(memchr(value.data, '\n', value.length) == NULL);
        ASSERT(span_equals(span_trim(value), value));
        hosts += span_equals_ignoring_case(name, SPAN("host"));
        framings += span_equals_ignoring_case(name, SPAN("content-length"));
        framings += 2 * span_equals_ignoring_case(name, SPAN("transfer-encoding"));
    }
    ASSERT(hosts == 1 || (hosts == 0 && request->minor_version == 0));
    ASSERT(framings <= 1 || framings % 2 == 0);
    ASSERT(request->chunked == (framings >= 2));
}

/* The memo of a head points into itself, and says the same about input that begins with the head.
 */
static void check_memo(struct span input, const struct verdict *verdict,
                       const struct request_limits *limits)
{
    static struct head_memo memo;
    const struct request *request = &verdict->request;
    struct span head = span_of(input.data, verdict->head_bytes);
    memo = (struct head_memo){0};
    head_memo_remember(&memo, head, request, limits);
    size_t head_bytes = 0;
    const struct request *found = head_memo_recall(&memo, input, &head_bytes);
    if (found == NULL) {
        ASSERT(memo.length == 0); /* too long, or with credentials */
        return;
    }
    check_complete(found, memo.text, head_bytes, limits->max_head_bytes);
    ASSERT(head_bytes == head.length && found->field_count == request->field_count);
    ASSERT(span_equals(found->target, request->target) && found->chunked == request->chunked);
    ASSERT(found->content_length == request->content_length);
    ASSERT(found->keep_alive == request->keep_alive);
}

/* Of a copy with nothing behind it. */
static void judge(const uint8_t *data, size_t length, size_t max_head_bytes,
                  struct verdict *verdict)
{
    char *exact = malloc(length > 0 ? length : 1);
    ASSERT(exact != NULL);
    memcpy(exact, data, length);
    struct request_limits limits = {max_head_bytes};
    verdict->error = (struct request_error){0};
    verdict->head_bytes = 0;
    verdict->result = request_parse(span_of(exact, length), &limits, &verdict->request,
                                    &verdict->head_bytes, &verdict->error);
    if (verdict->result == REQUEST_COMPLETE) {
        ASSERT(verdict->head_bytes <= length);
        check_complete(&verdict->request, exact, verdict->head_bytes, max_head_bytes);
        check_memo(span_of(exact, length), verdict, &limits);
    } else if (verdict->result == REQUEST_REFUSED) {
        ASSERT(verdict->error.status >= 400 && verdict->error.status < 600);
        ASSERT(verdict->error.reason != NULL && strlen(verdict->error.reason) > 0);
    } else {
        ASSERT(length < max_head_bytes);
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    static struct verdict first, now;
    size_t max_head_bytes = data[0] < 128 ? 65536 : 2 + (size_t)(data[0] - 128) * 4;
    data++;
    size--;
    size_t step = size / 60 + 1;
    bool decided = false;
    /* Prefixes in even steps, few enough for long inputs, and the whole. */
    for (size_t next = 0; next < size + step; next += step) {
        size_t length = next < size ? next : size;
        judge(data, length, max_head_bytes, &now);
        if (decided) {
            ASSERT(now.result == first.result);
            ASSERT(now.error.status == first.error.status &&
                   now.error.reason == first.error.reason);
            ASSERT(now.result == REQUEST_REFUSED || now.head_bytes == first.head_bytes);
        } else if (now.result != REQUEST_INCOMPLETE) {
            decided = true;
            first.result = now.result;
            first.error = now.error;
            first.head_bytes = now.head_bytes;
        }
    }
    return 0;
}

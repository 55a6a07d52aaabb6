/*
 * Any bytes as the value of X-Forwarded-For and of Forwarded: whoever writes to the left of what a
 * trusted proxy appends cannot name the client. The result is what the proxy said, or the proxy
 * itself where the line cannot be split for sure. The bytes are a traceparent, too.
 */
#include "app/client_address.h"
#include "app/trace_context.h"
#include "base/assert.h"
#include "http/scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct peer_address address_of(const char *text)
{
    struct peer_address address;
    bool valid = peer_address_parse(span_from_string(text), &address);
    ASSERT(valid);
    return address;
}

static bool is_same(const struct peer_address *a, const struct peer_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* The client by a field whose value is `data`, and `appended`, in a block of its own size. */
static struct peer_address find(struct span name, const uint8_t *data, size_t size,
                                struct span appended)
{
    static struct network networks[2];
    const char *reason = NULL;
    int error = network_parse(SPAN("127.0.0.0/8"), &networks[0], &reason);
    error |= network_parse(SPAN("10.0.0.0/8"), &networks[1], &reason);
    ASSERT(error == 0);
    struct trusted_networks trusted = {networks, ARRAY_LENGTH(networks)};
    char *value = malloc(size + appended.length + 1);
    ASSERT(value != NULL);
    memcpy(value, data, size);
    if (appended.length > 0) {
        memcpy(value + size, appended.data, appended.length);
    }
    static struct request request;
    request.field_count = 1;
    request.fields[0] = (struct request_field){
        .name = name, .value = span_trim(span_of(value, size + appended.length))};
    struct peer_address client = address_of("127.0.0.1");
    client_address_find(&request, &trusted, &client);
    free(value);
    return client;
}

static void check_trace(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + 1);
    ASSERT(exact != NULL);
    memcpy(exact + 1, data, size);
    struct trace_context trace;
    if (trace_context_parse(span_of(exact + 1, size), &trace)) {
        ASSERT(trace.trace_id > exact && trace.span_id > trace.trace_id);
        ASSERT(trace.span_id + SPAN_ID_DIGITS <= exact + 1 + size);
        for (unsigned i = 0; i < TRACE_ID_DIGITS; i++) {
            ASSERT(scan_is(trace.trace_id[i], SCAN_HEX));
        }
    }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_trace(data, size);
    const char *end = (const char *)data + size;
    if (size > 0 && scan_field_value((const char *)data, end) != end) {
        return 0; /* such heads are refused */
    }
    struct peer_address proxy = address_of("127.0.0.1");
    struct peer_address named = address_of("192.0.2.7");
    struct peer_address found =
        find(SPAN("x-forwarded-for"), data, size, SPAN(", 10.1.1.1, 192.0.2.7, 10.0.0.1"));
    ASSERT(is_same(&found, &named));
    found = find(SPAN("forwarded"), data, size,
                 SPAN(", for=192.0.2.7;proto=http, for=\"10.0.0.1:80\";by=_x"));
    ASSERT(is_same(&found, &named) || is_same(&found, &proxy));
    (void)find(SPAN("forwarded"), data, size, SPAN(""));
    (void)find(SPAN("x-forwarded-for"), data, size, SPAN(""));
    return 0;
}

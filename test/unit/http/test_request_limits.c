/* Heads at, below and above the limits: 414 while the request line lasts, 431 behind it. */
#include "../cmocka_includes.h"

#include "base/buffer.h"
#include "base/compiler.h"
#include "http/request.h"

#include <stdlib.h>

#define LIMIT 512

static enum request_result parse(struct span raw, size_t max_head_bytes, struct request *request,
                                 size_t *head_bytes, uint16_t *status)
{
    char *exact = malloc(raw.length > 0 ? raw.length : 1);
    assert_non_null(exact);
    memcpy(exact, raw.data, raw.length);
    struct request_limits limits = {max_head_bytes};
    struct request_error error = {0};
    enum request_result result =
        request_parse(span_of(exact, raw.length), &limits, request, head_bytes, &error);
    *status = error.status;
    free(exact);
    return result;
}

/* `total` bytes of a head whose target or whose last field is as long as that takes. */
static struct buffer head_of(char *memory, size_t total, bool long_target)
{
    struct buffer head = buffer_over(memory, total);
    struct span behind = long_target ? SPAN(" HTTP/1.1\r\nHost: h\r\n\r\n") : SPAN("\r\n\r\n");
    buffer_append_span(&head,
                       long_target ? SPAN("GET /") : SPAN("GET / HTTP/1.1\r\nHost: h\r\nA: "));
    while (head.length < total - behind.length) {
        buffer_append_byte(&head, 'a');
    }
    buffer_append_span(&head, behind);
    assert_int_equal(head.length, total);
    return head;
}

static void a_head_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    char memory[LIMIT + 10];
    struct request request;
    size_t head_bytes = 0;
    uint16_t status = 0;
    for (int long_target = 0; long_target < 2; long_target++) {
        for (size_t total = LIMIT - 3; total <= LIMIT; total++) {
            struct buffer head = head_of(memory, total, long_target);
            assert_int_equal(parse(buffer_span(&head), LIMIT, &request, &head_bytes, &status),
                             REQUEST_COMPLETE);
            assert_int_equal(head_bytes, total);
        }
        for (size_t total = LIMIT + 1; total <= LIMIT + 10; total++) {
            struct buffer head = head_of(memory, total, long_target);
            assert_int_equal(parse(buffer_span(&head), LIMIT, &request, &head_bytes, &status),
                             REQUEST_REFUSED);
            assert_int_equal(status, 431);
        }
    }
}

/* The limit is on the head alone, not on what came with it. */
static void what_is_behind_the_head_does_not_count(void **state)
{
    (void)state;
    char memory[3 * LIMIT];
    struct request request;
    size_t head_bytes = 0;
    uint16_t status = 0;
    struct buffer head = head_of(memory, LIMIT, false);
    memset(memory + LIMIT, 'x', sizeof memory - LIMIT);
    assert_int_equal(parse(span_of(memory, sizeof memory), LIMIT, &request, &head_bytes, &status),
                     REQUEST_COMPLETE);
    assert_int_equal(head_bytes, head.length);
}

/* As soon as the limit is reached, however the bytes come: nobody has to wait for more. */
static void is_refused_at_the_limit_exactly(void **state)
{
    (void)state;
    static char memory[4 * LIMIT];
    for (int long_target = 0; long_target < 2; long_target++) {
        struct buffer head = head_of(memory, sizeof memory, long_target);
        for (size_t length = 0; length <= head.length; length += length < LIMIT + 20 ? 1 : 97) {
            struct request request;
            size_t head_bytes = 0;
            uint16_t status = 0;
            enum request_result result =
                parse(span_of(memory, length), LIMIT, &request, &head_bytes, &status);
            assert_int_equal(result, length < LIMIT ? REQUEST_INCOMPLETE : REQUEST_REFUSED);
            if (result == REQUEST_REFUSED) {
                assert_int_equal(status, long_target ? 414 : 431);
                assert_int_equal(request.method, METHOD_GET); /* for the log and the metrics */
            }
        }
    }
}

static void as_many_fields_as_the_limit_says(void **state)
{
    (void)state;
    static char memory[8192];
    static struct request request;
    for (unsigned fields = REQUEST_MAX_FIELDS - 1; fields <= REQUEST_MAX_FIELDS + 1; fields++) {
        struct buffer head = buffer_over(memory, sizeof memory);
        buffer_append_span(&head, SPAN("GET / HTTP/1.1\r\nHost: h\r\n"));
        for (unsigned i = 1; i < fields; i++) {
            buffer_append_span(&head, SPAN("a: b\r\n"));
        }
        buffer_append_span(&head, SPAN("\r\n"));
        size_t head_bytes = 0;
        uint16_t status = 0;
        enum request_result result =
            parse(buffer_span(&head), sizeof memory, &request, &head_bytes, &status);
        if (fields <= REQUEST_MAX_FIELDS) {
            assert_int_equal(result, REQUEST_COMPLETE);
            assert_int_equal(request.field_count, fields);
        } else {
            assert_int_equal(result, REQUEST_REFUSED);
            assert_int_equal(status, 431);
            assert_true(request.field_count <= REQUEST_MAX_FIELDS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_may_be_as_long_as_the_limit),
        cmocka_unit_test(what_is_behind_the_head_does_not_count),
        cmocka_unit_test(is_refused_at_the_limit_exactly),
        cmocka_unit_test(as_many_fields_as_the_limit_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/head_memo.h"

#include <stdio.h>
#include <stdlib.h>

static const struct request_limits limits = {16384};

static const char known[] = "POST /a?b HTTP/1.1\r\nHost: h\r\ntraceparent: t\r\nX-One: 1\r\n"
                            "Connection: close\r\nContent-Length: 3\r\n\r\n";

/* As the engine does: true when the head was recalled, otherwise it is parsed and noted. */
static bool take(struct head_memo *memo, const char *text)
{
    struct span head = span_from_string(text);
    size_t head_bytes = 0;
    if (head_memo_recall(memo, head, &head_bytes) != NULL) {
        assert_int_equal(head_bytes, head.length);
        return true;
    }
    struct request request;
    struct request_error error;
    assert_int_equal(request_parse(head, &limits, &request, &head_bytes, &error), REQUEST_COMPLETE);
    head_memo_note(memo, head, &request, &limits);
    return false;
}

static struct head_memo *memo_of(const char *text)
{
    struct head_memo *memo = calloc(1, sizeof *memo);
    assert_non_null(memo);
    for (unsigned i = 0; i < HEAD_MEMO_PATIENCE; i++) {
        assert_false(take(memo, text));
    }
    return memo;
}

static void a_head_is_remembered_when_many_were_not_the_remembered_one(void **state)
{
    (void)state;
    struct head_memo *memo = memo_of(known);
    assert_true(take(memo, known));
    assert_true(take(memo, known));
    free(memo);
}

static void assert_same(struct span found, struct span expected, struct span text)
{
    assert_true(span_equals(found, expected));
    bool inside = found.data >= text.data && found.data + found.length <= text.data + text.length;
    assert_true(inside || found.length == 0);
}

static void what_is_recalled_is_what_the_parser_says_and_points_into_the_memo(void **state)
{
    (void)state;
    struct head_memo *memo = memo_of(known);
    size_t head_bytes = 0, expected_bytes = 0;
    const struct request *found = head_memo_recall(memo, SPAN(known), &head_bytes);
    if (found == NULL) {
        fail_msg("the head is not recalled");
        return;
    }
    struct request expected;
    struct request_error error;
    assert_int_equal(request_parse(SPAN(known), &limits, &expected, &expected_bytes, &error),
                     REQUEST_COMPLETE);
    assert_int_equal(head_bytes, expected_bytes);
    struct span text = span_of(memo->text, memo->length);
    assert_same(found->method_name, expected.method_name, text);
    assert_same(found->target, expected.target, text);
    assert_same(found->path, expected.path, text);
    assert_same(found->query, expected.query, text);
    assert_same(found->host, expected.host, text);
    assert_same(found->traceparent, expected.traceparent, text);
    assert_same(found->connection, expected.connection, text);
    assert_int_equal(found->fields_end - memo->text, expected.fields_end - known);
    assert_int_equal(found->method, expected.method);
    assert_int_equal(found->minor_version, expected.minor_version);
    assert_int_equal(found->keep_alive, expected.keep_alive);
    assert_int_equal(found->has_x_field, expected.has_x_field);
    assert_int_equal(found->content_length, expected.content_length);
    assert_int_equal(found->field_count, expected.field_count);
    for (uint32_t i = 0; i < expected.field_count; i++) {
        assert_same(found->fields[i].name, expected.fields[i].name, text);
        assert_same(found->fields[i].value, expected.fields[i].value, text);
    }
    free(memo);
}

/* Each on the heap with nothing behind it: a sanitizer sees a look behind the end. */
static void a_part_of_the_head_is_not_the_head(void **state)
{
    (void)state;
    struct head_memo *memo = memo_of(known);
    for (size_t length = 0; length < sizeof known - 1; length++) {
        char *part = malloc(length > 0 ? length : 1);
        assert_non_null(part);
        memcpy(part, known, length);
        size_t head_bytes = 0;
        assert_null(head_memo_recall(memo, span_of(part, length), &head_bytes));
        free(part);
    }
    free(memo);
}

static void a_head_that_differs_in_any_byte_is_another(void **state)
{
    (void)state;
    struct head_memo *memo = memo_of(known);
    for (size_t i = 0; i < sizeof known - 1; i++) {
        char other[sizeof known];
        memcpy(other, known, sizeof known);
        other[i] ^= 0x20;
        size_t head_bytes = 0;
        assert_null(head_memo_recall(memo, span_of(other, sizeof known - 1), &head_bytes));
    }
    free(memo);
}

static void what_is_behind_the_head_does_not_matter(void **state)
{
    (void)state;
    struct head_memo *memo = memo_of(known);
    char input[2 * sizeof known];
    int length = snprintf(input, sizeof input, "%sabc%s", known, "GET / HT");
    size_t head_bytes = 0;
    assert_non_null(head_memo_recall(memo, span_of(input, (size_t)length), &head_bytes));
    assert_int_equal(head_bytes, sizeof known - 1);
    free(memo);
}

static void a_head_goes_on_being_remembered_while_it_comes_now_and_then(void **state)
{
    (void)state;
    static const char other[] = "GET / HTTP/1.1\r\nHost: other\r\n\r\n";
    struct head_memo *memo = memo_of(known);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < HEAD_MEMO_PATIENCE - 1; i++) {
            assert_false(take(memo, other));
        }
        assert_true(take(memo, known));
    }
    for (unsigned i = 0; i < HEAD_MEMO_PATIENCE; i++) {
        assert_false(take(memo, other));
    }
    assert_true(take(memo, other));
    assert_false(take(memo, known));
    free(memo);
}

static void credentials_are_never_remembered(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nPROXY-AUTHORIZATION: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\ncookie:\r\n\r\n",
    };
    struct head_memo *memo = memo_of(known);
    for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
        for (unsigned j = 0; j < 3 * HEAD_MEMO_PATIENCE; j++) {
            assert_false(take(memo, heads[i]));
        }
    }
    assert_true(take(memo, known));
    free(memo);
}

static void a_long_head_is_not_remembered(void **state)
{
    (void)state;
    static const char front[] = "GET / HTTP/1.1\r\nHost: h\r\nx-long: ";
    for (unsigned over = 0; over < 2; over++) {
        char head[HEAD_MEMO_MAX_BYTES + 2] = {0};
        memset(head, 'x', HEAD_MEMO_MAX_BYTES + over);
        memcpy(head, front, sizeof front - 1);
        memcpy(head + HEAD_MEMO_MAX_BYTES + over - 4, "\r\n\r\n", 4);
        struct head_memo *memo = memo_of(known);
        for (unsigned i = 0; i < HEAD_MEMO_PATIENCE; i++) {
            assert_false(take(memo, head));
        }
        assert_int_equal(take(memo, head), over == 0);
        assert_int_equal(take(memo, known), over == 1);
        free(memo);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_remembered_when_many_were_not_the_remembered_one),
        cmocka_unit_test(what_is_recalled_is_what_the_parser_says_and_points_into_the_memo),
        cmocka_unit_test(a_part_of_the_head_is_not_the_head),
        cmocka_unit_test(a_head_that_differs_in_any_byte_is_another),
        cmocka_unit_test(what_is_behind_the_head_does_not_matter),
        cmocka_unit_test(a_head_goes_on_being_remembered_while_it_comes_now_and_then),
        cmocka_unit_test(credentials_are_never_remembered),
        cmocka_unit_test(a_long_head_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/buffer.h"
#include "base/compiler.h"
#include "http/body.h"

#include <stdlib.h>

#define MAX_CONTENT 65536

/* What a body came to, however it was cut into pieces. */
struct outcome {
    enum body_result result;
    uint16_t status;
    size_t used; /* bytes of the input */
    struct buffer content;
};

static char content_memory[MAX_CONTENT];
static const struct request chunked = {.chunked = true};

/* Decodes one piece, in a block of its own size, as the header says: again while input is left. */
static void feed(struct body_decoder *decoder, struct outcome *outcome, const char *bytes,
                 size_t length)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    struct span input = span_of(exact, length);
    while (outcome->result == BODY_INCOMPLETE && input.length > 0) {
        const char *before = input.data;
        struct span content = {0};
        struct request_error error = {0};
        outcome->result = body_decode(decoder, &input, &content, &error);
        assert_true(input.data >= before && input.data + input.length == exact + length);
        if (outcome->result == BODY_REFUSED) {
            assert_non_null(error.reason);
            outcome->status = error.status;
        } else if (content.length > 0) {
            assert_true(content.data >= before && content.data + content.length <= input.data);
            buffer_append_span(&outcome->content, content);
        }
        assert_true(input.data > before); /* or it would never end */
    }
    outcome->used += length - input.length;
    free(exact);
}

/* Cut at `first` and `second`; `step` > 0: in pieces of so many bytes instead. */
static struct outcome decode(const struct request *request, uint64_t max_bytes, struct span raw,
                             size_t first, size_t second, size_t step)
{
    struct body_decoder decoder;
    struct request_error error = {0};
    struct outcome outcome = {.content = buffer_over(content_memory, sizeof content_memory)};
    outcome.result = body_start(&decoder, request, max_bytes, &error);
    outcome.status = error.status;
    if (step > 0) {
        for (size_t at = 0; at < raw.length; at += step) {
            feed(&decoder, &outcome, raw.data + at,
                 raw.length - at < step ? raw.length - at : step);
        }
    } else {
        feed(&decoder, &outcome, raw.data, first);
        feed(&decoder, &outcome, raw.data + first, second - first);
        feed(&decoder, &outcome, raw.data + second, raw.length - second);
    }
    return outcome;
}

static struct outcome decode_whole(const struct request *request, uint64_t max_bytes,
                                   struct span raw)
{
    return decode(request, max_bytes, raw, raw.length, raw.length, 0);
}

struct body_row {
    struct span raw;
    struct span content;
    uint16_t status; /* 0: complete */
};

#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define VALID(raw, content)                                                                        \
    {                                                                                              \
        S(raw), S(content), 0                                                                      \
    }
#define REFUSED(status, raw)                                                                       \
    {                                                                                              \
        S(raw), S(""), status                                                                      \
    }

static const struct body_row rows[] = {
    VALID("0\r\n\r\n", ""),
    VALID("5\r\nhello\r\n0\r\n\r\n", "hello"),
    VALID("1\r\na\r\n2\r\nbc\r\n003\r\ndef\r\n0\r\n\r\n", "abcdef"),
    VALID("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
    VALID("1f\r\n0123456789012345678901234567890\r\n0\r\n\r\n", "0123456789012345678901234567890"),
    VALID("000000000000005\r\nhello\r\n000000000000000\r\n\r\n", "hello"),
    VALID("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
    VALID("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"),
    VALID("3\r\n\0\xff\n\r\n0\r\n\r\n", "\0\xff\n"),
    /* extensions (RFC 9112, section 7.1.1) */
    VALID("5;a\r\nhello\r\n0\r\n\r\n", "hello"),
    VALID("5;a=b;c=\"d;e \\\" f\"\r\nhello\r\n0;last\r\n\r\n", "hello"),
    VALID("5 ;a\r\nhello\r\n0\t ; b = c\r\n\r\n", "hello"),
    VALID("5;a=\"\x80\xff\"\r\nhello\r\n0\r\n\r\n", "hello"),
    /* trailers (RFC 9112, section 7.1.2) */
    VALID("5\r\nhello\r\n0\r\nA: b\r\n\r\n", "hello"),
    VALID("0\r\nA:\r\nB:c:d\r\nc: \t \x80\r\n\r\n", ""),
    VALID("0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n", ""),
    /* sizes */
    REFUSED(400, "\r\n"),
    REFUSED(400, "\n"),
    REFUSED(400, ";a\r\n"),
    REFUSED(400, " 5\r\nhello\r\n"),
    REFUSED(400, "\t5\r\n"),
    REFUSED(400, "+5\r\nhello\r\n"),
    REFUSED(400, "-5\r\nhello\r\n"),
    REFUSED(400, "0x5\r\nhello\r\n"),
    REFUSED(400, "5h\r\nhello\r\n"),
    REFUSED(400, "g\r\n"),
    REFUSED(400, "5_0\r\n"),
    REFUSED(400, "5,\r\n"),
    REFUSED(400, "5.\r\n"),
    REFUSED(400, "\0"),
    REFUSED(400, "5\0\r\nhello\r\n"),
    REFUSED(400, "\xb2\r\n"),
    /* white space only in front of an extension */
    REFUSED(400, "5 \r\nhello\r\n0\r\n\r\n"),
    REFUSED(400, "5\t\r\nhello\r\n0\r\n\r\n"),
    REFUSED(400, "5 5\r\nhello\r\n0\r\n\r\n"),
    REFUSED(400, "5 a\r\nhello\r\n0\r\n\r\n"),
    REFUSED(400, "0 \r\n\r\n"),
    /* sizes that overflow or only look small afterwards */
    REFUSED(400, "10000000000000005\r\nhello\r\n"),
    REFUSED(400, "ffffffffffffffff\r\n"),
    REFUSED(400, "fffffffffffffffffffffffffffffffb\r\n"),
    REFUSED(400, "00000000000000000000000000000005\r\nhello\r\n0\r\n\r\n"),
    REFUSED(413, "fffffffffffffff\r\n"),
    /* line ends */
    REFUSED(400, "5\nhello\r\n0\r\n\r\n"),
    REFUSED(400, "5\rhello\r\n0\r\n\r\n"),
    REFUSED(400, "5\r\rhello"),
    REFUSED(400, "5;a\nhello\r\n0\r\n\r\n"),
    REFUSED(400, "5;a\rb\r\nhello\r\n"),
    REFUSED(400, "5;a\0\r\nhello\r\n"),
    REFUSED(400, "5;a\x7f\r\nhello\r\n"),
    REFUSED(400, "5;\x01\r\nhello\r\n"),
    REFUSED(400, "5\r\nhello\n0\r\n\r\n"),
    REFUSED(400, "5\r\nhello\r0\r\n\r\n"),
    REFUSED(400, "5\r\nhello0\r\n\r\n"),
    REFUSED(400, "5\r\nhelloworld\r\n0\r\n\r\n"),
    REFUSED(400, "5\r\nhell\r\n0\r\n\r\n"),
    REFUSED(400, "5\r\nhello\r\n\r\n0\r\n\r\n"),
    REFUSED(400, "0\n\r\n"),
    REFUSED(400, "0\r\n\n"),
    REFUSED(400, "0\r\n\r\r"),
    /* trailers */
    REFUSED(400, "0\r\nA\r\n\r\n"),
    REFUSED(400, "0\r\nA b: c\r\n\r\n"),
    REFUSED(400, "0\r\nA : c\r\n\r\n"),
    REFUSED(400, "0\r\n: c\r\n\r\n"),
    REFUSED(400, "0\r\n A: c\r\n\r\n"),
    REFUSED(400, "0\r\nA: c\r\n d\r\n\r\n"),
    REFUSED(400, "0\r\nA: c\nB: d\r\n\r\n"),
    REFUSED(400, "0\r\nA: c\rB: d\r\n\r\n"),
    REFUSED(400, "0\r\nA: c\n\n"),
    REFUSED(400, "0\r\nA: \0\r\n\r\n"),
    REFUSED(400, "0\r\nA: \x7f\r\n\r\n"),
    REFUSED(400, "0\r\n\x80: a\r\n\r\n"),
    REFUSED(400, "0\r\nGET / HTTP/1.1\r\n"),
};

static void check_row(const struct body_row *row, struct outcome outcome, const char *how)
{
    bool complete = row->status == 0;
    bool content = span_equals(buffer_span(&outcome.content), row->content);
    if (outcome.result != (complete ? BODY_COMPLETE : BODY_REFUSED) ||
        outcome.status != row->status ||
        (complete && (outcome.used != row->raw.length || !content))) {
        fail_msg("%s: result %d, status %u, %zu bytes used, %zu of content: %s", how,
                 (int)outcome.result, outcome.status, outcome.used, outcome.content.length,
                 row->raw.data);
    }
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct body_row *row = &rows[i];
        check_row(row, decode_whole(&chunked, 1000, row->raw), "whole");
        for (size_t step = 1; step < 5; step++) {
            check_row(row, decode(&chunked, 1000, row->raw, 0, 0, step), "in small pieces");
        }
        for (size_t first = 0; first <= row->raw.length; first++) {
            for (size_t second = first; second <= row->raw.length; second++) {
                check_row(row, decode(&chunked, 1000, row->raw, first, second, 0), "in three");
            }
        }
    }
}

static void a_part_is_incomplete_and_what_follows_is_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows) && rows[i].status == 0; i++) {
        const struct body_row *row = &rows[i];
        for (size_t length = 0; length < row->raw.length; length++) {
            struct outcome outcome = decode_whole(&chunked, 1000, span_of(row->raw.data, length));
            assert_int_equal(outcome.result, BODY_INCOMPLETE);
            assert_int_equal(outcome.used, length);
        }
        char more[256];
        struct buffer both = buffer_over(more, sizeof more);
        buffer_append_span(&both, row->raw);
        buffer_append_span(&both, SPAN("GET / HTTP/1.1\r\n"));
        check_row(row, decode_whole(&chunked, 1000, buffer_span(&both)), "with more behind");
    }
}

static void sized_bodies(void **state)
{
    (void)state;
    static const char raw[] = "0123456789GET / HTTP/1.1\r\n";
    for (uint64_t size = 0; size <= 10; size++) {
        struct request request = {.content_length = size};
        for (size_t first = 0; first <= size; first++) {
            struct outcome outcome =
                decode(&request, 10, SPAN(raw), first, first + (size - first) / 2, 0);
            assert_int_equal(outcome.result, BODY_COMPLETE);
            assert_int_equal(outcome.used, size);
            assert_true(span_equals(buffer_span(&outcome.content), span_of(raw, size)));
        }
        if (size > 0) {
            struct outcome part = decode_whole(&request, 10, span_of(raw, size - 1));
            assert_int_equal(part.result, BODY_INCOMPLETE);
            assert_int_equal(part.content.length, size - 1);
        }
    }
}

static void announced_sizes_are_held_against_the_limit(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, max_bytes;
        bool allowed;
    } sizes[] = {{0, 0, true},
                 {1, 0, false},
                 {10, 10, true},
                 {11, 10, false},
                 {INT64_MAX, 10, false},
                 {INT64_MAX, INT64_MAX, true},
                 {INT64_MAX, INT64_MAX - 1, false}};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct request request = {.content_length = sizes[i].size};
        struct outcome outcome = decode_whole(&request, sizes[i].max_bytes, SPAN(""));
        enum body_result allowed = sizes[i].size == 0 ? BODY_COMPLETE : BODY_INCOMPLETE;
        assert_int_equal(outcome.result, sizes[i].allowed ? allowed : BODY_REFUSED);
        assert_int_equal(outcome.status, sizes[i].allowed ? 0 : 413);
    }
}

/* Chunks count together, each is refused before its data, and framing does not count. */
static void chunks_are_held_against_the_limit(void **state)
{
    (void)state;
    static const struct body_row limited[] = {
        VALID("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        VALID("9;a=bcdefgh\r\n012345678\r\n1\r\n9\r\n0\r\nTrailer: long\r\n\r\n", "0123456789"),
        REFUSED(413, "b\r\n"),
        REFUSED(413, "9\r\n012345678\r\n2\r\n"),
        REFUSED(413, "a\r\n0123456789\r\n1\r\n"),
        REFUSED(413, "a\r\n0123456789\r\nfffffffffffffff\r\n"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(limited); i++) {
        check_row(&limited[i], decode_whole(&chunked, 10, limited[i].raw), "limited");
        check_row(&limited[i], decode(&chunked, 10, limited[i].raw, 0, 0, 1), "limited");
    }
    struct span all = SPAN("5\r\nhello\r\n0\r\n\r\n");
    assert_int_equal(decode_whole(&chunked, UINT64_MAX, all).result, BODY_COMPLETE);
    assert_int_equal(decode_whole(&chunked, 0, all).status, 413);
    assert_int_equal(decode_whole(&chunked, 0, SPAN("0\r\n\r\n")).result, BODY_COMPLETE);
}

/* `count` bytes between two texts; reports the first status. */
static uint16_t status_of_filled(const char *before, size_t count, const char *after)
{
    static char memory[20000];
    struct buffer raw = buffer_over(memory, sizeof memory);
    buffer_append_span(&raw, span_from_string(before));
    for (size_t i = 0; i < count; i++) {
        buffer_append_byte(&raw, 'a');
    }
    buffer_append_span(&raw, span_from_string(after));
    assert_false(raw.overflowed);
    struct outcome whole = decode_whole(&chunked, 1000, buffer_span(&raw));
    struct outcome bytes = decode(&chunked, 1000, buffer_span(&raw), 0, 0, 1);
    assert_int_equal(whole.result, bytes.result);
    assert_int_equal(whole.status, bytes.status);
    assert_int_equal(whole.used, bytes.used);
    assert_int_not_equal(whole.result, BODY_INCOMPLETE);
    return whole.status;
}

/* What nobody needs has an end: 1 KiB for a size line, 8 KiB for all trailers together. */
static void framing_has_limits_too(void **state)
{
    (void)state;
    assert_int_equal(status_of_filled("1;", 1024 - 4, "\r\na\r\n0\r\n\r\n"), 0);
    assert_int_equal(status_of_filled("1;", 1024 - 3, "\r\na\r\n0\r\n\r\n"), 400);
    assert_int_equal(status_of_filled("1\r\na\r\n0;", 1024 - 4, "\r\n\r\n"), 0);
    assert_int_equal(status_of_filled("1\r\na\r\n0;", 15000, ""), 400);
    assert_int_equal(status_of_filled("0\r\na:", 8192 - 6, "\r\n\r\n"), 0);
    assert_int_equal(status_of_filled("0\r\na:", 8192 - 5, "\r\n\r\n"), 431);
    assert_int_equal(status_of_filled("0\r\nb: c\r\na:", 8192 - 6, "\r\n\r\n"), 431);
    assert_int_equal(status_of_filled("0\r\n", 15000, ""), 431);
}

/* Each line within its limit is not enough: RFC 9112, section 7.1.1, asks for one in all. */
static void all_extensions_together_have_a_limit(void **state)
{
    (void)state;
    static char raw[30000];
    struct buffer buffer = buffer_over(raw, sizeof raw);
    size_t accepted_length = 0;
    for (unsigned i = 0; i < 17; i++) {
        accepted_length = buffer.length;
        buffer_append_span(&buffer, SPAN("1;"));
        for (unsigned j = 0; j < 1000; j++) {
            buffer_append_byte(&buffer, 'e');
        }
        buffer_append_span(&buffer, SPAN("\r\na\r\n"));
    }
    assert_false(buffer.overflowed);
    struct outcome outcome = decode_whole(&chunked, MAX_CONTENT, span_of(raw, accepted_length));
    assert_int_equal(outcome.result, BODY_INCOMPLETE);
    outcome = decode_whole(&chunked, MAX_CONTENT, buffer_span(&buffer));
    assert_int_equal(outcome.result, BODY_REFUSED);
    assert_int_equal(outcome.status, 400);
    assert_int_equal(outcome.content.length, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(a_part_is_incomplete_and_what_follows_is_left),
        cmocka_unit_test(sized_bodies),
        cmocka_unit_test(announced_sizes_are_held_against_the_limit),
        cmocka_unit_test(chunks_are_held_against_the_limit),
        cmocka_unit_test(framing_has_limits_too),
        cmocka_unit_test(all_extensions_together_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

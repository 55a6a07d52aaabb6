#include "../cmocka_includes.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "http/response.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct response_clock clock;
    struct exchange exchange;
    struct buffer output;
    struct response response;
    char memory[4096];
    char date[DATE_BYTES + 1];
};

static void start(struct fixture *fixture, uint16_t status, enum method method, uint8_t minor,
                  bool keep_alive)
{
    *fixture = (struct fixture){
        .exchange = {.status = status,
                     .method = (uint8_t)method,
                     .minor_version = minor,
                     .keep_alive = keep_alive},
    };
    fixture->output = buffer_over(fixture->memory, sizeof fixture->memory - 1);
    fixture->response = (struct response){&fixture->output, &fixture->exchange, &fixture->clock};
    response_clock_update(&fixture->clock, clock_monotonic_ns());
    memcpy(fixture->date, fixture->clock.date, DATE_BYTES);
}

static const char *text(struct fixture *fixture)
{
    assert_false(fixture->output.overflowed);
    fixture->memory[fixture->output.length] = '\0';
    return fixture->memory;
}

static void assert_answer(struct fixture *fixture, const char *line, const char *rest)
{
    char wanted[1024];
    snprintf(wanted, sizeof wanted, "%s\r\ndate: %s\r\n%s", line, fixture->date, rest);
    assert_string_equal(text(fixture), wanted);
}

static void status_line_and_date_come_first(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        const char *line;
    } cases[] = {
        {200, "HTTP/1.1 200 OK"},
        {201, "HTTP/1.1 201 Created"},
        {404, "HTTP/1.1 404 Not Found"},
        {503, "HTTP/1.1 503 Service Unavailable"},
        /* RFC 9112, section 4: the space is there even without a reason. */
        {299, "HTTP/1.1 299 Unknown"},
        {999, "HTTP/1.1 999 Unknown"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct fixture fixture;
        start(&fixture, cases[i].status, METHOD_GET, 1, true);
        response_start(&fixture.response);
        assert_answer(&fixture, cases[i].line, "");
    }
}

static void fields_are_written_as_given(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 200, METHOD_GET, 1, true);
    response_start(&fixture.response);
    response_field(&fixture.response, SPAN("x-a"), SPAN("b c"));
    response_field(&fixture.response, SPAN("X-Empty"), SPAN(""));
    assert_answer(&fixture, "HTTP/1.1 200 OK", "x-a: b c\r\nX-Empty: \r\n");
}

static void content_has_its_length(void **state)
{
    (void)state;
    static const struct {
        enum method method;
        uint8_t minor;
        bool keep_alive;
        const char *rest;
        uint64_t content_bytes;
    } cases[] = {
        {METHOD_GET, 1, true, "content-length: 3\r\n\r\nabc", 3},
        {METHOD_GET, 1, false, "content-length: 3\r\nconnection: close\r\n\r\nabc", 3},
        {METHOD_GET, 0, true, "content-length: 3\r\nconnection: keep-alive\r\n\r\nabc", 3},
        {METHOD_POST, 0, false, "content-length: 3\r\nconnection: close\r\n\r\nabc", 3},
        {METHOD_HEAD, 1, true, "content-length: 3\r\n\r\n", 0},
        {METHOD_HEAD, 1, false, "content-length: 3\r\nconnection: close\r\n\r\n", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct fixture fixture;
        start(&fixture, 200, cases[i].method, cases[i].minor, cases[i].keep_alive);
        response_start(&fixture.response);
        response_finish(&fixture.response, SPAN("abc"));
        assert_answer(&fixture, "HTTP/1.1 200 OK", cases[i].rest);
        assert_int_equal(fixture.exchange.content_bytes, cases[i].content_bytes);
    }
    struct fixture fixture;
    start(&fixture, 200, METHOD_GET, 1, true);
    response_start(&fixture.response);
    response_finish(&fixture.response, (struct span){NULL, 0});
    assert_answer(&fixture, "HTTP/1.1 200 OK", "content-length: 0\r\n\r\n");
}

static void what_must_not_have_content_has_no_length(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 204, METHOD_OPTIONS, 1, true);
    response_start(&fixture.response);
    response_finish_without_content(&fixture.response);
    assert_answer(&fixture, "HTTP/1.1 204 No Content", "\r\n");
    start(&fixture, 204, METHOD_OPTIONS, 1, false);
    response_start(&fixture.response);
    response_finish_without_content(&fixture.response);
    assert_answer(&fixture, "HTTP/1.1 204 No Content", "connection: close\r\n\r\n");
    assert_int_equal(fixture.exchange.content_bytes, 0);
}

static void answers_follow_each_other_in_one_buffer(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 200, METHOD_GET, 1, true);
    response_plain_text(&fixture.response, SPAN("one"));
    size_t first = fixture.output.length;
    fixture.exchange.status = 404;
    response_plain_text(&fixture.response, SPAN("two"));
    assert_memory_equal(text(&fixture) + first, "HTTP/1.1 404 Not Found\r\n", 24);
    assert_non_null(strstr(fixture.memory, "content-type: text/plain; charset=utf-8\r\n"));
    assert_int_equal(memcmp(fixture.memory + first - 3, "one", 3), 0);
}

static ssize_t pull_nothing(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)pace;
    (void)context;
    (void)memory;
    (void)capacity;
    return 0;
}

static void close_nothing(void *context, bool whole)
{
    (void)context;
    (void)whole;
}

static void a_source_is_handed_to_the_engine(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 200, METHOD_GET, 1, true);
    response_start(&fixture.response);
    struct content_source source = {
        .pull = pull_nothing, .close = close_nothing, .context = &fixture};
    response_finish_with_source(&fixture.response, source);
    assert_true(fixture.exchange.source.pull == pull_nothing);
    assert_true(fixture.exchange.source.close == close_nothing);
    assert_ptr_equal(fixture.exchange.source.context, &fixture);
    /* The engine ends the head. */
    assert_answer(&fixture, "HTTP/1.1 200 OK", "");
}

static void the_clock_is_remade_when_its_second_is_over(void **state)
{
    (void)state;
    struct response_clock clock = {0};
    int64_t now_ns = clock_monotonic_ns();
    response_clock_update(&clock, now_ns);
    assert_true(clock.valid_until_ns > now_ns);
    assert_true(clock.valid_until_ns <= now_ns + NS_PER_S);
    char date[DATE_BYTES];
    date_print((clock.valid_until_ns + clock.realtime_offset_ns) / NS_PER_S - 1, date);
    assert_memory_equal(clock.date, date, DATE_BYTES);
    /* Where the second ends in realtime, it ends in monotonic time. */
    assert_int_equal((clock.valid_until_ns + clock.realtime_offset_ns) % NS_PER_S, 0);
    assert_in_range(clock.ok_head_bytes, 1, sizeof clock.ok_head - 1);

    memset(clock.date, '#', DATE_BYTES);
    response_clock_update(&clock, clock.valid_until_ns - 1);
    assert_int_equal(clock.date[0], '#');
    response_clock_update(&clock, clock.valid_until_ns);
    assert_int_not_equal(clock.date[0], '#');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_line_and_date_come_first),
        cmocka_unit_test(fields_are_written_as_given),
        cmocka_unit_test(content_has_its_length),
        cmocka_unit_test(what_must_not_have_content_has_no_length),
        cmocka_unit_test(answers_follow_each_other_in_one_buffer),
        cmocka_unit_test(a_source_is_handed_to_the_engine),
        cmocka_unit_test(the_clock_is_remade_when_its_second_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

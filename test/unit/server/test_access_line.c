#include "../cmocka_includes.h"

#include "server/access_line.h"

#include <stdio.h>
#include <string.h>

static const struct access_record usual = {
    .completed_realtime_ns = INT64_C(1795420800123456789), /* 2026-11-23T08:00:00.123456789Z */
    .delay_ns = 1234567890,
    .total_ns = 1234621999,
    .response_bytes = 15,
    .address = {192, 0, 2, 7},
    .port = 51234,
    .status = 200,
    .route = 1,
    .client = ACCESS_CLIENT_IPV4,
    .version_minor = 1,
};

static const char *const routes[] = {"other", "/", "/a\"b"};

static char line[ACCESS_LINE_MAX_BYTES + 1];

static const char *written(enum log_format format, const struct access_record *record,
                           struct span method, struct span target)
{
    struct access_line_writer writer = access_line_writer_make(format, routes, 3);
    const struct log_entry entry = {record, method, target};
    *access_line_write(&writer, &entry, line) = '\0';
    return line;
}

static void writes_text(void **state)
{
    (void)state;
    assert_string_equal(written(LOG_TEXT, &usual, SPAN("GET"), SPAN("/")),
                        "2026-11-23T08:00:00.123456Z 192.0.2.7 GET / 200 15 delay=1.234567 "
                        "total=1.234621\n");
    struct access_record record = usual;
    record.delay_ns = ACCESS_DELAY_NONE;
    record.total_ns = 999;
    record.status = 499;
    record.response_bytes = UINT64_MAX;
    record.client = ACCESS_CLIENT_UNIX;
    assert_string_equal(written(LOG_TEXT, &record, SPAN(""), SPAN("")),
                        "2026-11-23T08:00:00.123456Z unix - - 499 18446744073709551615 delay=- "
                        "total=0.000000\n");
}

static void writes_json(void **state)
{
    (void)state;
    assert_string_equal(written(LOG_JSON, &usual, SPAN("GET"), SPAN("/?a=b")),
                        "{\"time\":\"2026-11-23T08:00:00.123456Z\",\"client\":\"192.0.2.7\","
                        "\"port\":51234,\"method\":\"GET\",\"path\":\"/?a=b\","
                        "\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":15,"
                        "\"delay\":1.234567,\"total\":1.234621,\"route\":\"/\"}\n");
    struct access_record record = usual;
    record.delay_ns = ACCESS_DELAY_NONE;
    record.target_truncated = 1;
    record.route = 3; /* without a name */
    assert_string_equal(written(LOG_JSON, &record, SPAN(""), SPAN("/x")),
                        "{\"time\":\"2026-11-23T08:00:00.123456Z\",\"client\":\"192.0.2.7\","
                        "\"port\":51234,\"method\":\"\",\"path\":\"/x\",\"path_truncated\":true,"
                        "\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":15,"
                        "\"delay\":null,\"total\":1.234621}\n");
}

static void names_clients(void **state)
{
    (void)state;
    struct access_record record = usual;
    record.client = ACCESS_CLIENT_IPV6;
    memcpy(record.address, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    assert_non_null(
        strstr(written(LOG_TEXT, &record, SPAN("GET"), SPAN("/")), "Z 2001:db8::1 GET"));
    memcpy(record.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\xff", 16);
    assert_non_null(
        strstr(written(LOG_TEXT, &record, SPAN("GET"), SPAN("/")), "Z 192.0.2.255 GET"));
}

static void follows_the_clock(void **state)
{
    (void)state;
    static const struct {
        int64_t realtime_ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z "},
        {-1, "1970-01-01T00:00:00.000000Z "},
        {INT64_C(951782399999999999), "2000-02-28T23:59:59.999999Z "},
        {INT64_C(951782400000000000), "2000-02-29T00:00:00.000000Z "},
        {INT64_C(951782399000001000), "2000-02-28T23:59:59.000001Z "},
        {INT64_MAX, "2262-04-11T23:47:16.854775Z "},
    };
    struct access_line_writer writer = access_line_writer_make(LOG_TEXT, NULL, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct access_record record = usual;
        record.completed_realtime_ns = cases[i].realtime_ns;
        const struct log_entry entry = {&record, SPAN("GET"), SPAN("/")};
        *access_line_write(&writer, &entry, line) = '\0';
        assert_memory_equal(line, cases[i].text, strlen(cases[i].text));
    }
}

static void lets_nothing_be_injected(void **state)
{
    (void)state;
    assert_non_null(strstr(written(LOG_TEXT, &usual, SPAN("GET"), SPAN("/a b\r\n\"\\\x7f\xc3\xa4")),
                           " GET /a\\x20b\\x0d\\x0a\\x22\\x5c\\x7f\\xc3\\xa4 200 "));
    assert_non_null(
        strstr(written(LOG_JSON, &usual, SPAN("GET"), SPAN("/a b\r\n\"\\\x7f\xc3\xa4")),
               "\"path\":\"/a\\u0020b\\u000d\\u000a\\u0022\\u005c\\u007f\\u00c3\\u00a4\","));
    struct access_record record = usual;
    record.route = 2;
    assert_non_null(
        strstr(written(LOG_JSON, &record, SPAN("GET"), SPAN("/")), "\"route\":\"/a\\u0022b\"}"));
    /* All 256 bytes: one line, printable, and quotes only where the format has them. */
    char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }
    for (enum log_format format = LOG_TEXT; format <= LOG_JSON; format++) {
        (void)written(format, &usual, span_of(bytes, 0), span_of(bytes, sizeof bytes));
        size_t length = strlen(line), quotes = 0;
        for (size_t i = 0; i + 1 < length; i++) {
            assert_true(line[i] >= ' ' && line[i] <= '~');
            quotes += line[i] == '"';
        }
        assert_int_equal(line[length - 1], '\n');
        assert_int_equal(quotes, format == LOG_TEXT ? 0 : 34);
    }
}

static void has_room_for_the_longest_line(void **state)
{
    (void)state;
    static char hostile[ACCESS_TARGET_MAX_BYTES];
    memset(hostile, 0xff, sizeof hostile);
    struct access_record record = usual;
    record.completed_realtime_ns = INT64_MAX;
    record.delay_ns = record.total_ns = INT64_MAX;
    record.response_bytes = UINT64_MAX;
    record.port = record.status = UINT16_MAX;
    record.client = ACCESS_CLIENT_IPV6;
    record.version_minor = UINT8_MAX;
    record.target_truncated = 1;
    memset(record.address, 0xff, sizeof record.address);
    for (enum log_format format = LOG_TEXT; format <= LOG_JSON; format++) {
        (void)written(format, &record, span_of(hostile, ACCESS_METHOD_MAX_BYTES),
                      span_of(hostile, sizeof hostile));
        assert_true(strlen(line) < ACCESS_LINE_MAX_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_text),
        cmocka_unit_test(writes_json),
        cmocka_unit_test(names_clients),
        cmocka_unit_test(follows_the_clock),
        cmocka_unit_test(lets_nothing_be_injected),
        cmocka_unit_test(has_room_for_the_longest_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

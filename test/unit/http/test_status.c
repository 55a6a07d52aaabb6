#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/status.h"

/* Every code that IANA's registry of status codes names, without "(Unused)". */
static const struct {
    unsigned status;
    const char *reason;
} registered[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

static void registered_codes_have_their_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(registered); i++) {
        struct span reason = status_reason(registered[i].status);
        if (!span_equals(reason, span_from_string(registered[i].reason))) {
            fail_msg("%u is %.*s", registered[i].status, (int)reason.length, reason.data);
        }
    }
}

static void other_codes_have_a_usable_line_too(void **state)
{
    (void)state;
    static const unsigned codes[] = {0, 99, 104, 199, 299, 306, 399, 432, 509, 599, 999, 65535};
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        assert_true(span_equals(status_reason(codes[i]), SPAN("Unknown")));
    }
    /* Whatever the code, the text is a reason-phrase (RFC 9112, section 4). */
    for (unsigned status = 0; status < 1000; status++) {
        struct span reason = status_reason(status);
        assert_true(reason.length > 0);
        for (size_t i = 0; i < reason.length; i++) {
            assert_true(reason.data[i] >= ' ' && reason.data[i] < 0x7f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registered_codes_have_their_names),
        cmocka_unit_test(other_codes_have_a_usable_line_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Holds the fields that are copied against the table in docs/http.md, which is read here: what it
 * lists is refused in any case of letters, and what it does not list is copied.
 */
#include "../cmocka_includes.h"

#include "app/field_copy.h"
#include "base/compiler.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 200

struct documented {
    char names[MAX_NAMES][64];
    size_t name_count;
    char prefixes[MAX_NAMES][64]; /* without the `*` */
    size_t prefix_count;
};

static struct documented table;

static void note(const char *text, size_t length)
{
    assert_in_range(length, 1, 63);
    bool prefix = text[length - 1] == '*';
    char *to = prefix ? table.prefixes[table.prefix_count++] : table.names[table.name_count++];
    assert_true(table.name_count < MAX_NAMES && table.prefix_count < MAX_NAMES);
    memcpy(to, text, length - prefix);
    for (char *c = to; *c != '\0'; c++) {
        assert_true(*c == '-' || islower((unsigned char)*c) || isdigit((unsigned char)*c));
    }
}

/* The words in backticks of the first column of the table behind "Never repeated". */
static int read_table(void **state)
{
    (void)state;
    FILE *file = fopen(SOURCE_ROOT "/docs/http.md", "r");
    assert_non_null(file);
    char line[4096];
    bool inside = false;
    unsigned rows = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        inside |= strstr(line, "Never repeated") != NULL;
        if (!inside || line[0] != '|') {
            if (rows > 0) {
                break;
            }
            continue;
        }
        rows++;
        char *end = strchr(line + 1, '|');
        assert_non_null(end);
        *end = '\0';
        for (char *open = strchr(line, '`'); open != NULL;) {
            char *close = strchr(open + 1, '`');
            assert_non_null(close);
            note(open + 1, (size_t)(close - open) - 1);
            open = strchr(close + 1, '`');
        }
    }
    fclose(file);
    assert_true(rows > 5);
    return 0;
}

/* What the document says of a name. */
static bool is_documented(const char *name)
{
    for (size_t i = 0; i < table.name_count; i++) {
        if (strcasecmp(name, table.names[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < table.prefix_count; i++) {
        if (strncasecmp(name, table.prefixes[i], strlen(table.prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void check(const char *name)
{
    bool copied = field_may_be_copied(span_from_string(name));
    if (copied == is_documented(name)) {
        fail_msg("%s is %s, but docs/http.md says otherwise", name, copied ? "copied" : "refused");
    }
}

static void check_in_all_cases(const char *name)
{
    char text[256];
    check(name);
    for (unsigned variant = 0; variant < 3; variant++) {
        snprintf(text, sizeof text, "%s", name);
        for (size_t i = 0; text[i] != '\0'; i++) {
            bool upper = variant == 0 || (variant == 1 ? i == 0 || text[i - 1] == '-' : i % 2 != 0);
            text[i] = (char)(upper ? toupper((unsigned char)text[i]) : text[i]);
        }
        check(text);
    }
}

static void the_document_lists_what_the_issue_names(void **state)
{
    (void)state;
    /* So that a table that was not found, or was emptied, does not pass. */
    assert_true(table.name_count >= 60);
    assert_true(table.prefix_count >= 8);
    static const char *const needed[] = {
        "connection",    "keep-alive",     "te",         "trailer",       "transfer-encoding",
        "upgrade",       "content-length", "set-cookie", "content-type",  "proxy-authorization",
        "authorization", "cookie",         "date",       "server-timing", "version",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(needed); i++) {
        assert_true(is_documented(needed[i]));
    }
}

static void documented_names_are_refused_in_any_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < table.name_count; i++) {
        check_in_all_cases(table.names[i]);
        assert_false(field_may_be_copied(span_from_string(table.names[i])));
    }
}

static void documented_prefixes_are_refused_in_any_case(void **state)
{
    (void)state;
    static const char *const endings[] = {
        "", "x", "-", "Z9", "a-name-that-has-to-be-longer-than-any-other-name-of-a-field-there-is",
    };
    for (size_t i = 0; i < table.prefix_count; i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(endings); j++) {
            char name[256];
            snprintf(name, sizeof name, "%s%s", table.prefixes[i], endings[j]);
            check_in_all_cases(name);
            assert_false(field_may_be_copied(span_from_string(name)));
        }
    }
}

static void what_requests_usually_have_is_copied(void **state)
{
    (void)state;
    static const char *const names[] = {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "host",
        "user-agent",
        "from",
        "referer",
        "origin",
        "max-forwards",
        "via",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-request-id",
        "x-correlation-id",
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-range",
        "range",
        "priority",
        "dnt",
        "idempotency-key",
        "x-envoy-attempt-count",
        "x-cloud-trace-context",
        "x-amzn-trace-id",
        "x-ot-span-context",
        "a",
        "z",
        "1",
        "!",
        "~",
        "x",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        check_in_all_cases(names[i]);
        if (!field_may_be_copied(span_from_string(names[i]))) {
            fail_msg("%s is not copied", names[i]);
        }
    }
}

/* The names that IANA's registry has for answers, and what servers and proxies add: no opinion on
 * each, but code and document must have the same. */
static void other_names_are_as_documented(void **state)
{
    (void)state;
    static const char *const names[] = {
        "accept-patch",
        "accept-post",
        "accept-signature",
        "alpn",
        "alt-used",
        "apply-to-redirect-ref",
        "auth-info",
        "cache-status",
        "cal-managed-id",
        "caldav-timezones",
        "capsule-protocol",
        "cdn-loop",
        "cert-not-after",
        "client-cert",
        "close",
        "concealed-auth-export",
        "cookie3",
        "dasl",
        "dav",
        "delta-base",
        "deprecation",
        "depth",
        "destination",
        "dpop",
        "dpop-nonce",
        "early-data",
        "ediint-features",
        "expect-ct2",
        "hobareg",
        "im",
        "if",
        "isolation",
        "label",
        "last-event-id",
        "lock-token",
        "memento-datetime",
        "meter",
        "mime-version",
        "negotiate",
        "odata-version",
        "ordering-type",
        "overwrite",
        "p3p",
        "pep",
        "position",
        "preference-applied",
        "prefer",
        "protocol",
        "public",
        "ratelimit",
        "redirect-ref",
        "repr-digest",
        "safe",
        "schedule-reply",
        "signature",
        "slug",
        "soapaction",
        "status-uri",
        "sunset",
        "surrogate-capability",
        "tcn",
        "timeout",
        "topic",
        "ttl",
        "urgency",
        "uri",
        "variant-vary",
        "want-digest",
        "x-device-accept",
        "x-powered-by",
        "x-runtime",
        "x-served-by",
        "x-cache",
        "x-ua-compatible",
        "xx-accel-x",
        "nell",
        "link2",
        "links",
        "linkset",
        "ages",
        "pragma-directive",
        "set-cook",
        "security",
        "seconds",
        "sec",
        "proxy",
        "proxys",
        "contents",
        "content",
        "cross-origin",
        "access-control",
        "x-accel",
        "ad-auction",
        "attribution-reporting",
        "vary-by",
        "server-name",
        "dates",
        "versions",
        "location2",
        "permissions-policy-report-only",
        "document-policy-report-only",
        "expires-in",
        "upgrade-insecure-requests",
        "trailers",
        "te2",
        "warnings",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        check_in_all_cases(names[i]);
    }
}

/* One letter more, less or different than a name of the table. */
static void neighbours_of_refused_names_are_as_documented(void **state)
{
    (void)state;
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_!#$%&'*+.^`|~@[\\]{}";
    size_t count = table.name_count + table.prefix_count;
    for (size_t i = 0; i < count; i++) {
        const char *from =
            i < table.name_count ? table.names[i] : table.prefixes[i - table.name_count];
        size_t length = strlen(from);
        char name[80];
        for (size_t at = 0; at <= length; at++) {
            for (size_t c = 0; characters[c] != '\0'; c++) {
                snprintf(name, sizeof name, "%.*s%c%s", (int)at, from, characters[c], from + at);
                check(name);
                if (at < length) {
                    snprintf(name, sizeof name, "%s", from);
                    name[at] = characters[c];
                    check(name);
                }
            }
            if (at < length && length > 1) {
                snprintf(name, sizeof name, "%.*s%s", (int)at, from, from + at + 1);
                check(name);
            }
        }
    }
}

/* What field_copy_all makes of these field lines. */
static const char *copied(const char *fields)
{
    static char head[8192];
    static char output[8192];
    static struct request request;
    int length = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    assert_in_range(length, 1, sizeof head - 1);
    struct request_limits limits = {.max_head_bytes = sizeof head};
    struct request_error error = {0};
    size_t head_bytes = 0;
    enum request_result result =
        request_parse(span_of(head, (size_t)length), &limits, &request, &head_bytes, &error);
    if (result != REQUEST_COMPLETE) {
        fail_msg("%s: %s", fields, error.reason);
    }
    struct buffer buffer = buffer_over(output, sizeof output - 1);
    field_copy_all(&request, &buffer);
    assert_false(buffer.overflowed);
    output[buffer.length] = '\0';
    return output;
}

static void lines_are_copied_as_they_were_sent(void **state)
{
    (void)state;
    assert_string_equal(copied(""), "Host: h\r\n");
    assert_string_equal(
        copied("X-Request-ID: 7\r\nuser-AGENT:curl\r\nAccept: \t */*  \r\nEmpty:\r\n"),
        "Host: h\r\nX-Request-ID: 7\r\nuser-AGENT:curl\r\nAccept: \t */*  \r\n"
        "Empty:\r\n");
    assert_string_equal(copied("X: \xc3\xa9\xff, \"a\\\"b\"\r\n"),
                        "Host: h\r\nX: \xc3\xa9\xff, \"a\\\"b\"\r\n");
}

static void what_is_refused_leaves_no_trace(void **state)
{
    (void)state;
    assert_string_equal(copied("Cookie: a=b\r\n"), "Host: h\r\n");
    assert_string_equal(copied("A: 1\r\nCookie: a=b\r\nB: 2\r\n"), "Host: h\r\nA: 1\r\nB: 2\r\n");
    assert_string_equal(copied("Cookie: a=b\r\nSec-Fetch-Mode: x\r\nB: 2\r\nTE: trailers\r\n"),
                        "Host: h\r\nB: 2\r\n");
    assert_string_equal(copied("Content-Length: 3\r\nZ: z\r\n"), "Host: h\r\nZ: z\r\n");
}

static void the_first_of_each_name_is_copied(void **state)
{
    (void)state;
    assert_string_equal(copied("A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\nA: 5\r\nb: 6\r\n"),
                        "Host: h\r\nA: 1\r\nB: 2\r\nC: 4\r\n");
    /* Nearly the same is not the same. */
    assert_string_equal(copied("X-a: 1\r\nX-b: 2\r\nX-ab: 3\r\nXa: 4\r\nX_a: 5\r\n"),
                        "Host: h\r\nX-a: 1\r\nX-b: 2\r\nX-ab: 3\r\nXa: 4\r\nX_a: 5\r\n");
}

/* Every pair of names in which first and last letter, or the length, agree. */
static void names_that_look_alike_are_told_apart(void **state)
{
    (void)state;
    char fields[4096] = "";
    char wanted[4096] = "Host: h\r\n";
    size_t at = 0;
    for (unsigned i = 0; i < 90; i++) {
        at += (size_t)snprintf(fields + at, sizeof fields - at, "x-%02u-y: %u\r\n", i, i);
    }
    strcat(wanted, fields);
    assert_string_equal(copied(fields), wanted);
}

static void what_connection_names_is_not_copied(void **state)
{
    (void)state;
    assert_string_equal(copied("Connection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n"),
                        "Host: h\r\nX-End: 2\r\n");
    assert_string_equal(copied("x-hop: 1\r\nX-End: 2\r\nCONNECTION: close , X-HOP\r\n"),
                        "Host: h\r\nX-End: 2\r\n");
    /* In any of its lines, also with empty ones around. */
    assert_string_equal(copied("Connection: a\r\nConnection:\r\nConnection: ,b,\r\nA: 1\r\nB: 2\r\n"
                               "C: 3\r\n"),
                        "Host: h\r\nC: 3\r\n");
    /* A part of a name is not the name. */
    assert_string_equal(copied("Connection: x-ho, hop\r\nX-Hop: 1\r\n"), "Host: h\r\nX-Hop: 1\r\n");
    /* The one that is named counts as the first of its name for those behind, too. */
    assert_string_equal(copied("Connection: x\r\nX: 1\r\nX: 2\r\n"), "Host: h\r\n");
    assert_string_equal(copied("Connection:\r\nX: 1\r\n"), "Host: h\r\nX: 1\r\n");
    assert_string_equal(copied("Connection: host\r\nX: 1\r\n"), "X: 1\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_lists_what_the_issue_names),
        cmocka_unit_test(documented_names_are_refused_in_any_case),
        cmocka_unit_test(documented_prefixes_are_refused_in_any_case),
        cmocka_unit_test(what_requests_usually_have_is_copied),
        cmocka_unit_test(other_names_are_as_documented),
        cmocka_unit_test(neighbours_of_refused_names_are_as_documented),
        cmocka_unit_test(lines_are_copied_as_they_were_sent),
        cmocka_unit_test(what_is_refused_leaves_no_trace),
        cmocka_unit_test(the_first_of_each_name_is_copied),
        cmocka_unit_test(names_that_look_alike_are_told_apart),
        cmocka_unit_test(what_connection_names_is_not_copied),
    };
    return cmocka_run_group_tests(tests, read_table, NULL);
}

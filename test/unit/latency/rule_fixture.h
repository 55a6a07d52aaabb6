/* Rules and requests for the tests of src/latency/rule*. */
#pragma once

#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "latency/rule_program.h"

#include <stdio.h>
#include <string.h>

#define FIXTURE_SEED_KEY 42

static inline struct law *fixture_law(const char *text, bool sizes)
{
    struct law_limits limits = {.max_delay_ns = INT64_C(60000000000), .sizes = sizes};
    struct law *law = NULL;
    assert_int_equal(law_parse(span_from_string(text), &limits, &law, NULL), 0);
    return law;
}

/* A rule for a path, with a law; more is up to the test. */
static inline struct rule_definition fixture_definition(uint32_t number, const char *route,
                                                        const char *delay)
{
    struct rule_definition definition = {
        .number = number, .share = {1, 0}, .delay = fixture_law(delay, false)};
    assert_true(rule_pattern_set(&definition.route, span_from_string(route), true));
    return definition;
}

static inline void fixture_add(struct rule_list *list, uint32_t number, const char *route,
                               const char *delay)
{
    struct rule_definition *definition = rule_list_add(list);
    assert_non_null(definition);
    *definition = fixture_definition(number, route, delay);
}

/* "GET /path" and field lines that each end in CRLF. The memory is the test's for good. */
static inline struct request *fixture_request(const char *line, const char *fields)
{
    static struct request request;
    static char head[1024];
    int length =
        snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: a.example\r\n%s\r\n", line, fields);
    struct request_limits limits = {.max_head_bytes = sizeof head};
    struct request_error error = {0};
    size_t head_bytes = 0;
    assert_int_equal(
        request_parse(span_of(head, (size_t)length), &limits, &request, &head_bytes, &error),
        REQUEST_COMPLETE);
    return &request;
}

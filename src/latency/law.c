#include "latency/law.h"

#include "base/assert.h"
#include "latency/law_kind.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const struct law_kind *const kinds[] = {
    &law_kind_none, &law_kind_const,  &law_kind_uniform, &law_kind_normal, &law_kind_lognormal,
    &law_kind_exp,  &law_kind_pareto, &law_kind_mix,     &law_kind_file,
};

int law_allocate(size_t bytes, struct law **ret_law)
{
    *ret_law = calloc(1, bytes);
    return *ret_law == NULL ? -ENOMEM : 0;
}

static void skip_spaces(struct law_parser *parser)
{
    while (parser->offset < parser->text.length && parser->text.data[parser->offset] == ' ') {
        parser->offset++;
    }
}

size_t law_parser_position(struct law_parser *parser)
{
    skip_spaces(parser);
    return parser->offset;
}

bool law_parser_accepts(struct law_parser *parser, char byte)
{
    skip_spaces(parser);
    if (parser->offset < parser->text.length && parser->text.data[parser->offset] == byte) {
        parser->offset++;
        return true;
    }
    return false;
}

int law_parser_byte(struct law_parser *parser, char byte)
{
    if (law_parser_accepts(parser, byte)) {
        return 0;
    }
    const char expected[] = {'\'', byte, '\'', '\0'};
    return parse_error_expected(parser->error, parser->text, parser->offset, expected);
}

static void append_quantity(struct buffer *buffer, bool sizes, int64_t quantity)
{
    if (sizes) {
        buffer_append_size(buffer, (uint64_t)quantity);
    } else {
        buffer_append_duration(buffer, quantity);
    }
}

void law_append_quantity(struct buffer *buffer, const struct law *law, int64_t quantity)
{
    append_quantity(buffer, law->sizes, quantity);
}

/* "the maximal delay of 60s" */
static void append_limit(struct buffer *buffer, const struct law_limits *limits)
{
    buffer_append_span(buffer, limits->sizes ? SPAN("the maximal size of ")
                                             : SPAN("the maximal delay of "));
    append_quantity(buffer, limits->sizes, limits->max_delay_ns);
}

int law_parser_duration(struct law_parser *parser, int64_t *ret_ns)
{
    size_t start = law_parser_position(parser);
    if (start >= parser->text.length || parser->text.data[start] < '0' ||
        parser->text.data[start] > '9') {
        return parse_error_expected(parser->error, parser->text, start,
                                    parser->limits->sizes ? "a size such as 4KiB"
                                                          : "a duration such as 200ms");
    }
    if (!parser->limits->sizes) {
        return duration_scan(parser->text, &parser->offset, ret_ns, parser->error);
    }
    uint64_t bytes = 0; /* at most INT64_MAX */
    int result = size_scan(parser->text, &parser->offset, &bytes, parser->error);
    *ret_ns = (int64_t)bytes;
    return result;
}

int law_parser_decimal(struct law_parser *parser, struct decimal *ret_decimal)
{
    size_t start = law_parser_position(parser);
    if (start >= parser->text.length || parser->text.data[start] < '0' ||
        parser->text.data[start] > '9') {
        return parse_error_expected(parser->error, parser->text, start, "a number");
    }
    return decimal_scan(parser->text, &parser->offset, ret_decimal, parser->error);
}

int law_parser_bound(struct law_parser *parser, int64_t *ret_ns)
{
    size_t start = law_parser_position(parser);
    int64_t ns = 0;
    int result = law_parser_duration(parser, &ns);
    if (result < 0) {
        return result;
    }
    if (ns > parser->limits->max_delay_ns) {
        char memory[96];
        struct buffer text = buffer_over(memory, sizeof memory);
        append_quantity(&text, parser->limits->sizes, ns);
        buffer_append_span(&text, SPAN(" is beyond "));
        append_limit(&text, parser->limits);
        return parse_error_set(parser->error, start, "%.*s", (int)text.length, memory);
    }
    *ret_ns = ns;
    return 0;
}

int law_parser_two_durations(struct law_parser *parser, struct law_two_durations *ret_both)
{
    ret_both->first_offset = law_parser_position(parser);
    int result = law_parser_duration(parser, &ret_both->first_ns);
    if (result == 0) {
        result = law_parser_byte(parser, ',');
    }
    ret_both->second_offset = law_parser_position(parser);
    return result < 0 ? result : law_parser_duration(parser, &ret_both->second_ns);
}

int law_parser_mass(struct law_parser *parser, size_t offset, double mass)
{
    /* A law whose 99th percentile is the maximal delay must not fail by a rounding error. */
    if (mass >= LAW_MINIMUM_MASS - 1e-12) {
        return 0;
    }
    char memory[64];
    struct buffer text = buffer_over(memory, sizeof memory);
    append_limit(&text, parser->limits);
    return parse_error_set(parser->error, offset,
                           "only %.2f %% of this law lies from %s to %.*s, but 99 %% must",
                           floor(fmax(mass, 0) * 10000) / 100, parser->limits->sizes ? "0" : "0s",
                           (int)text.length, memory);
}

static int unknown_name(struct law_parser *parser)
{
    char memory[128];
    struct buffer names = buffer_over(memory, sizeof memory);
    buffer_append_span(&names, SPAN("a law ("));
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (i > 0) {
            buffer_append_span(&names, i + 1 < ARRAY_LENGTH(kinds) ? SPAN(", ") : SPAN(" or "));
        }
        buffer_append_span(&names, kinds[i]->name);
    }
    buffer_append(&names, ")", sizeof ")");
    return parse_error_expected(parser->error, parser->text, parser->offset, memory);
}

static const struct law_kind *scan_kind(struct law_parser *parser)
{
    size_t end = law_parser_position(parser);
    while (end < parser->text.length && parser->text.data[end] >= 'a' &&
           parser->text.data[end] <= 'z') {
        end++;
    }
    struct span name = span_of(parser->text.data + parser->offset, end - parser->offset);
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (span_equals(name, kinds[i]->name)) {
            parser->offset = end;
            return kinds[i];
        }
    }
    return NULL;
}

int law_parser_law(struct law_parser *parser, struct law **ret_law)
{
    const struct law_kind *kind = scan_kind(parser);
    if (kind == NULL) {
        return unknown_name(parser);
    }
    if (++parser->parts > LAW_TOTAL_PARTS_MAX || parser->depth >= LAW_DEPTH_MAX) {
        return parse_error_set(parser->error, parser->offset,
                               "too many laws inside each other at character %zu",
                               parser->offset + 1);
    }
    struct law *law = NULL;
    if (kind->parse == NULL) {
        int result = law_allocate(sizeof *law, &law);
        if (result < 0) {
            return result;
        }
        law->kind = kind;
        law->sizes = parser->limits->sizes;
        *ret_law = law;
        return 0;
    }
    int result = law_parser_byte(parser, '(');
    if (result < 0) {
        return result;
    }
    parser->depth++;
    result = kind->parse(parser, &law);
    parser->depth--;
    if (result < 0) {
        return result;
    }
    law->kind = kind;
    law->sizes = parser->limits->sizes;
    result = law_parser_byte(parser, ')');
    if (result < 0) {
        law_free(law);
        return result;
    }
    *ret_law = law;
    return 0;
}

int law_parse(struct span text, const struct law_limits *limits, struct law **ret_law,
              struct parse_error *error)
{
    ASSERT(limits->max_delay_ns >= 0 && limits->max_delay_ns <= LAW_MAX_DELAY_LIMIT_NS);
    if (text.length > LAW_TEXT_MAX_BYTES) {
        return parse_error_set(error, LAW_TEXT_MAX_BYTES, "the law is longer than %d characters",
                               LAW_TEXT_MAX_BYTES);
    }
    struct law_parser parser = {.text = text, .limits = limits, .error = error};
    struct law *law = NULL;
    size_t start = law_parser_position(&parser);
    bool bare =
        limits->sizes && start < text.length && text.data[start] >= '0' && text.data[start] <= '9';
    int result = bare ? law_kind_const.parse(&parser, &law) : law_parser_law(&parser, &law);
    if (result < 0) {
        return result;
    }
    ASSERT(law != NULL);
    if (bare) {
        law->kind = &law_kind_const;
        law->sizes = true;
    }
    if (law_parser_position(&parser) != text.length) {
        law_free(law);
        return parse_error_expected(error, text, parser.offset, "the end");
    }
    *ret_law = law;
    return 0;
}

struct law *law_hold(struct law *law)
{
    if (law != NULL) {
        atomic_fetch_add_explicit(&law->more_owners, 1, memory_order_relaxed);
    }
    return law;
}

static bool prints_the_same(const struct law *law, const struct law *other)
{
    char one[4 * LAW_TEXT_MAX_BYTES], two[4 * LAW_TEXT_MAX_BYTES];
    struct buffer text = buffer_over(one, sizeof one);
    struct buffer other_text = buffer_over(two, sizeof two);
    buffer_append_law(&text, law);
    buffer_append_law(&other_text, other);
    return span_equals(buffer_span(&text), buffer_span(&other_text));
}

bool law_equals(const struct law *law, const struct law *other)
{
    return law->kind == other->kind && law->sizes == other->sizes && prints_the_same(law, other) &&
           (law->kind->equals == NULL || law->kind->equals(law, other));
}

void law_free(struct law *law)
{
    if (law != NULL && atomic_fetch_sub_explicit(&law->more_owners, 1, memory_order_acq_rel) == 0) {
        if (law->kind->release != NULL) {
            law->kind->release(law);
        }
        free(law);
    }
}

void buffer_append_law(struct buffer *buffer, const struct law *law)
{
    buffer_append_span(buffer, law->kind->name);
    if (law->kind->print != NULL) {
        buffer_append_byte(buffer, '(');
        law->kind->print(buffer, law);
        buffer_append_byte(buffer, ')');
    }
}

bool law_is_none(const struct law *law)
{
    return law->kind == &law_kind_none;
}

bool law_draws(const struct law *law)
{
    return law->kind->draws == NULL || law->kind->draws(law);
}

int64_t law_sample_ns(const struct law *law, double unit)
{
    return llrint(law->kind->sample != NULL ? law->kind->sample(law, unit)
                                            : law->kind->quantile(law, unit));
}

double law_cdf(const struct law *law, double x_ns)
{
    return x_ns < 0 ? 0 : law->kind->cdf(law, x_ns);
}

double law_quantile_ns(const struct law *law, double q)
{
    ASSERT(q >= 0 && q <= 1);
    return law->kind->quantile(law, q);
}

double law_mean_ns(const struct law *law)
{
    return law->kind->mean(law);
}

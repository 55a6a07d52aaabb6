#include "app/wish.h"

#include "app/query.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "http/status.h"
#include "latency/draw.h"
#include "latency/fault.h"

#include <errno.h>

static const struct span names[WISH_KINDS] = {
    [WISH_DELAY] = {"delay", 5},         [WISH_STATUS] = {"status", 6}, [WISH_SIZE] = {"size", 4},
    [WISH_DRIP] = {"drip", 4},           [WISH_BURN] = {"burn", 4},     [WISH_ABORT] = {"abort", 5},
    [WISH_BANDWIDTH] = {"bandwidth", 9},
};

struct span wish_name(enum wish_kind kind)
{
    return names[kind];
}

static bool is_decimal(struct span text)
{
    struct decimal decimal;
    size_t offset = 0;
    return decimal_scan(text, &offset, &decimal, NULL) == 0 && offset == text.length;
}

/* A decimal without a unit is seconds. */
static int parse_duration(struct span text, int64_t *ret_ns, struct parse_error *error)
{
    char memory[64];
    struct buffer seconds = buffer_over(memory, sizeof memory);
    if (is_decimal(text)) {
        buffer_append_span(&seconds, text);
        buffer_append_byte(&seconds, 's');
        text = seconds.overflowed ? text : buffer_span(&seconds);
    }
    return duration_parse(text, ret_ns, error);
}

int wish_parse_duration(struct span text, int64_t max_ns, int64_t *ret_ns,
                        struct parse_error *error)
{
    int result = parse_duration(text, ret_ns, error);
    if (result == 0 && *ret_ns > max_ns) {
        char memory[64];
        struct buffer limit = buffer_over(memory, sizeof memory);
        buffer_append_duration(&limit, max_ns);
        return parse_error_set(error, 0, "it is beyond the limit of %.*s", (int)limit.length,
                               limit.data);
    }
    return result;
}

static int add_delay(struct wish *wish, struct span value, const struct wish_limits *limits,
                     struct wish_laws *laws, struct parse_error *error)
{
    bool duration = value.length > 0 && value.data[0] >= '0' && value.data[0] <= '9';
    if (duration) {
        return wish_parse_duration(value, limits->max_delay_ns, &wish->fixed.delay_ns, error);
    }
    struct law_limits law_limits = {.max_delay_ns = limits->max_delay_ns};
    struct law *law = NULL;
    int result = wish_laws_find(laws, value, &law_limits, &law, error);
    wish->delay = law;
    return result;
}

static int add_size(struct wish *wish, struct span value, const struct wish_limits *limits,
                    struct wish_laws *laws, struct parse_error *error)
{
    if (value.length > 0 && value.data[0] >= '0' && value.data[0] <= '9') {
        int result = size_parse(value, &wish->fixed.size, error);
        if (result == 0 && wish->fixed.size > limits->max_size) {
            char memory[64];
            struct buffer limit = buffer_over(memory, sizeof memory);
            buffer_append_size(&limit, limits->max_size);
            return parse_error_set(error, 0, "it is beyond the limit of %.*s", (int)limit.length,
                                   limit.data);
        }
        return result;
    }
    struct law_limits law_limits = {.max_delay_ns = (int64_t)limits->max_size, .sizes = true};
    struct law *law = NULL;
    int result = wish_laws_find(laws, value, &law_limits, &law, error);
    wish->size = law;
    return result;
}

static int add_code(struct wish *wish, struct span text, struct parse_error *error)
{
    const char *colon = text.length > 0 ? memchr(text.data, ':', text.length) : NULL;
    size_t length = colon == NULL ? text.length : (size_t)(colon - text.data);
    uint64_t status = 0;
    if (length != 3 || count_parse(span_of(text.data, length), &status, NULL) != 0 ||
        status < 200 || status > 599) {
        return parse_error_set(error, 0, "a status is 200 to 599, with a weight as 503:0.5");
    }
    if (status == STATUS_CLIENT_CLOSED_REQUEST || status == STATUS_RESET) {
        return parse_error_set(error, 0, "444 and 499 stand for answers that are never sent");
    }
    struct decimal weight = {1, 0};
    if (colon != NULL) {
        size_t offset = length + 1;
        if (decimal_scan(text, &offset, &weight, NULL) != 0 || offset != text.length) {
            return parse_error_set(error, 0, "a weight is a decimal number");
        }
    }
    if (wish->code_count == WISH_MAX_CODES) {
        return parse_error_set(error, 0, "more than %d codes", WISH_MAX_CODES);
    }
    double before = wish->code_count == 0 ? 0 : wish->codes[wish->code_count - 1].up_to;
    wish->codes[wish->code_count++] =
        (struct wish_code){(uint16_t)status, before + decimal_value(weight)};
    return 0;
}

static int add_status(struct wish *wish, struct span value, struct parse_error *error)
{
    for (;;) {
        const char *comma = value.length > 0 ? memchr(value.data, ',', value.length) : NULL;
        size_t length = comma == NULL ? value.length : (size_t)(comma - value.data);
        int result = add_code(wish, span_of(value.data, length), error);
        if (result != 0) {
            return result;
        }
        if (comma == NULL) {
            break;
        }
        value = span_after(value, length + 1);
    }
    wish->fixed.status = wish->codes[0].status;
    bool possible = wish->codes[wish->code_count - 1].up_to > 0;
    return possible ? 0 : parse_error_set(error, 0, "all weights are 0");
}

static int add_bandwidth(struct wish *wish, struct span value, struct parse_error *error)
{
    int result = size_parse(value, &wish->fixed.bytes_per_second, error);
    if (result == 0 && wish->fixed.bytes_per_second < WISH_MIN_BYTES_PER_SECOND) {
        return parse_error_set(error, 0, "it is below the least of 1KiB a second");
    }
    return result;
}

static int add(struct wish *wish, enum wish_kind kind, struct span value,
               const struct wish_limits *limits, struct wish_laws *laws, struct parse_error *error)
{
    switch (kind) {
    case WISH_DELAY:
        return add_delay(wish, value, limits, laws, error);
    case WISH_STATUS:
        return add_status(wish, value, error);
    case WISH_SIZE:
        return add_size(wish, value, limits, laws, error);
    case WISH_DRIP:
        return wish_parse_duration(value, limits->max_delay_ns, &wish->fixed.drip_ns, error);
    case WISH_BANDWIDTH:
        return add_bandwidth(wish, value, error);
    case WISH_ABORT:
        return fault_place_parse(value, &wish->fixed.abort, error);
    default:
        return wish_parse_duration(value, limits->max_burn_ns, &wish->fixed.burn_ns, error);
    }
}

int wish_add(struct wish *wish, enum wish_kind kind, struct span value,
             const struct wish_limits *limits, struct wish_laws *laws, struct parse_error *error)
{
    if (wish->asked == 0) {
        wish->fixed = OUTCOME_PLAIN;
    }
    if (wish_has(wish, kind)) {
        return parse_error_set(error, 0, "%s: it is asked for twice", names[kind].data);
    }
    wish->asked |= 1U << kind;
    struct parse_error reason = {0};
    int result = add(wish, kind, value, limits, laws, &reason);
    if (result != 0) {
        /* The reason fits but for its end: the buffer is of the same size. */
        parse_error_set(error, 0, "%s: %s", names[kind].data,
                        result == -ENOMEM ? "no memory" : reason.message);
    }
    return result;
}

static bool find_kind(struct span name, enum wish_kind *ret_kind)
{
    for (unsigned kind = 0; kind < WISH_KINDS; kind++) {
        if (span_equals_ignoring_case(name, names[kind])) {
            *ret_kind = (enum wish_kind)kind;
            return true;
        }
    }
    return false;
}

static int add_parameter(struct wish *wish, const struct query_parameter *parameter,
                         const struct wish_limits *limits, struct wish_laws *laws,
                         struct parse_error *error)
{
    char memory[WISH_VALUE_MAX_BYTES];
    struct buffer name = buffer_over(memory, sizeof memory);
    int result = query_decode(parameter->name, &name, error);
    enum wish_kind kind;
    /* Names are exact here, as parameters' are; those of fields do not mind the case. */
    if (result != 0 || name.overflowed || !find_kind(buffer_span(&name), &kind) ||
        !span_equals(buffer_span(&name), names[kind])) {
        return result;
    }
    if ((wish->taken & 1U << kind) != 0) {
        return 0;
    }
    struct buffer value = buffer_over(memory, sizeof memory);
    struct parse_error reason = {0};
    if (query_decode(parameter->value, &value, &reason) != 0) {
        return parse_error_set(error, 0, "%s: %s", names[kind].data, reason.message);
    }
    if (value.overflowed || !parameter->has_value) {
        return parse_error_set(error, 0, "%s: %s", names[kind].data,
                               value.overflowed ? "it is too long" : "it has no value");
    }
    return wish_add(wish, kind, buffer_span(&value), limits, laws, error);
}

int wish_add_request(struct wish *wish, const struct request *request,
                     const struct wish_limits *limits, struct wish_laws *laws,
                     struct parse_error *error)
{
    struct span query = request->query;
    struct query_parameter parameter;
    while (query_next(&query, &parameter)) {
        int result = add_parameter(wish, &parameter, limits, laws, error);
        if (result != 0) {
            return result;
        }
    }
    for (uint32_t i = 0; request->has_x_field && i < request->field_count; i++) {
        struct span name = request->fields[i].name;
        enum wish_kind kind;
        if (name.length > 2 && ascii_lower(name.data[0]) == 'x' && name.data[1] == '-' &&
            find_kind(span_after(name, 2), &kind)) {
            int result = wish_add(wish, kind, request->fields[i].value, limits, laws, error);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

bool wish_draws(const struct wish *wish)
{
    return wish->code_count > 1 || (wish->delay != NULL && law_draws(wish->delay)) ||
           (wish->size != NULL && law_draws(wish->size));
}

static double unit_of(uint64_t seed_key, uint64_t ordinal, enum draw_purpose purpose)
{
    return random_unit(random_draw(seed_key, ordinal, DRAW_REQUEST_RULE, purpose));
}

static uint16_t draw_status(const struct wish *wish, double unit)
{
    double at = unit * wish->codes[wish->code_count - 1].up_to;
    unsigned i = 0;
    while (i + 1 < wish->code_count && wish->codes[i].up_to <= at) {
        i++;
    }
    return wish->codes[i].status;
}

void wish_apply(const struct wish *wish, uint64_t seed_key, uint64_t ordinal,
                struct outcome *outcome)
{
    const struct outcome *fixed = &wish->fixed;
    if (wish_has(wish, WISH_DELAY)) {
        outcome->drew = wish->delay != NULL && law_draws(wish->delay);
        outcome->ordinal = outcome->drew ? ordinal : 0;
        outcome->delay_ns = fixed->delay_ns;
        if (wish->delay != NULL && !law_is_none(wish->delay)) {
            outcome->delay_ns = law_sample_ns(wish->delay, unit_of(seed_key, ordinal, DRAW_DELAY));
        }
    }
    if (wish_has(wish, WISH_STATUS)) {
        outcome->status = wish->code_count == 1
                              ? fixed->status
                              : draw_status(wish, unit_of(seed_key, ordinal, DRAW_CODE));
    }
    if (wish_has(wish, WISH_SIZE)) {
        outcome->size = fixed->size;
        if (wish->size != NULL) {
            outcome->size =
                law_is_none(wish->size)
                    ? 0
                    : (uint64_t)law_sample_ns(wish->size, unit_of(seed_key, ordinal, DRAW_SIZE));
        }
    }
    outcome->drip_ns = wish_has(wish, WISH_DRIP) ? fixed->drip_ns : outcome->drip_ns;
    outcome->burn_ns = wish_has(wish, WISH_BURN) ? fixed->burn_ns : outcome->burn_ns;
    outcome->abort = wish_has(wish, WISH_ABORT) ? fixed->abort : outcome->abort;
    if (wish_has(wish, WISH_BANDWIDTH)) {
        outcome->bytes_per_second = fixed->bytes_per_second;
    }
}

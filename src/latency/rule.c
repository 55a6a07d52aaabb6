#include "latency/rule.h"

#include "base/assert.h"

bool rule_pattern_set(struct rule_pattern *pattern, struct span text, bool may_be_prefix)
{
    bool prefix = may_be_prefix && text.length > 0 && text.data[text.length - 1] == '*';
    size_t length = text.length - prefix;
    if (length > RULE_PATTERN_MAX_BYTES) {
        return false;
    }
    *pattern = (struct rule_pattern){.length = (uint8_t)length, .prefix = prefix};
    memcpy(pattern->text, text.data, length);
    return true;
}

void rule_definition_of_index(struct rule_definition *definition, struct law *law)
{
    *definition = (struct rule_definition){
        .name = "default",
        .number = DRAW_DEFAULT_RULE,
        .route = {.text = "/", .length = 1},
        .share = {1, 0},
        .delay = law_hold(law),
    };
}

void rule_definition_clear(struct rule_definition *definition)
{
    law_free(definition->delay);
    law_free(definition->size);
    *definition = (struct rule_definition){0};
}

void rule_definition_copy(struct rule_definition *copy, const struct rule_definition *definition)
{
    *copy = *definition;
    law_hold(copy->delay);
    law_hold(copy->size);
}

static bool law_or_none_equals(const struct law *law, const struct law *other)
{
    return law == other || (law != NULL && other != NULL && law_equals(law, other));
}

bool rule_definition_equals(const struct rule_definition *definition,
                            const struct rule_definition *other)
{
    if (definition->number != other->number ||
        !law_or_none_equals(definition->delay, other->delay) ||
        !law_or_none_equals(definition->size, other->size)) {
        return false;
    }
    char one[RULE_TEXT_MAX_BYTES], two[RULE_TEXT_MAX_BYTES];
    struct buffer text = buffer_over(one, sizeof one);
    struct buffer other_text = buffer_over(two, sizeof two);
    buffer_append_rule(&text, definition);
    buffer_append_rule(&other_text, other);
    ASSERT(!text.overflowed && !other_text.overflowed);
    return span_equals(buffer_span(&text), buffer_span(&other_text));
}

void rule_pattern_append(const struct rule_pattern *pattern, struct buffer *buffer)
{
    buffer_append_printable(buffer, span_of(pattern->text, pattern->length), pattern->length);
    if (pattern->prefix) {
        buffer_append_byte(buffer, '*');
    }
}

static void append_methods(struct buffer *buffer, unsigned methods)
{
    char separator = ' ';
    for (unsigned method = METHOD_GET; method < METHOD_COUNT; method++) {
        if ((methods & METHOD_BIT(method)) != 0) {
            buffer_append_byte(buffer, separator);
            buffer_append_span(buffer, method_name((enum method)method));
            separator = ',';
        }
    }
}

void buffer_append_rule(struct buffer *buffer, const struct rule_definition *definition)
{
    rule_pattern_append(&definition->route, buffer);
    append_methods(buffer, definition->methods);
    for (unsigned i = 0; i < definition->field_count; i++) {
        buffer_append_byte(buffer, ' ');
        rule_pattern_append(&definition->fields[i].name, buffer);
        buffer_append_byte(buffer, '=');
        rule_pattern_append(&definition->fields[i].value, buffer);
    }
    buffer_append_span(buffer, SPAN(" delay="));
    buffer_append_law(buffer, definition->delay);
    if (definition->errors.probability.digits != 0) {
        buffer_append_span(buffer, SPAN(" errors="));
        buffer_append_errors(buffer, &definition->errors);
    }
    if (definition->abort.probability.digits != 0) {
        buffer_append_span(buffer, SPAN(" abort="));
        buffer_append_abort(buffer, &definition->abort);
    }
    if (definition->drip_ns != 0) {
        buffer_append_span(buffer, SPAN(" drip="));
        buffer_append_duration(buffer, definition->drip_ns);
    }
    if (definition->size != NULL) {
        buffer_append_span(buffer, SPAN(" size="));
        buffer_append_law(buffer, definition->size);
    }
    if (definition->bytes_per_second != 0) {
        buffer_append_span(buffer, SPAN(" bandwidth="));
        buffer_append_size(buffer, definition->bytes_per_second);
    }
    if (definition->burn_ns != 0) {
        buffer_append_span(buffer, SPAN(" burn="));
        buffer_append_duration(buffer, definition->burn_ns);
    }
}

static bool is_certain(struct decimal probability)
{
    return decimal_value(probability) == 1;
}

/* What it says when nothing has to be drawn for it. */
static struct outcome fixed_outcome(const struct rule_definition *definition, uint32_t slot)
{
    struct outcome outcome = OUTCOME_PLAIN;
    outcome.rule = slot;
    outcome.bytes_per_second = definition->bytes_per_second;
    outcome.drip_ns = definition->drip_ns;
    outcome.burn_ns = definition->burn_ns;
    if (!law_draws(definition->delay) && !law_is_none(definition->delay)) {
        outcome.delay_ns = law_sample_ns(definition->delay, 0.5);
    }
    if (definition->size != NULL && !law_draws(definition->size) &&
        !law_is_none(definition->size)) {
        outcome.size = (uint64_t)law_sample_ns(definition->size, 0.5);
    }
    if (is_certain(definition->errors.probability)) {
        outcome.status = definition->errors.codes[0].status;
    }
    if (is_certain(definition->abort.probability)) {
        outcome.abort = definition->abort.place;
    }
    return outcome;
}

static bool has_to_draw(const struct rule_definition *definition)
{
    const struct fault_errors *errors = &definition->errors;
    struct decimal abort = definition->abort.probability;
    return law_draws(definition->delay) ||
           (definition->size != NULL && law_draws(definition->size)) ||
           (errors->probability.digits != 0 &&
            (!is_certain(errors->probability) || errors->code_count > 1)) ||
           (abort.digits != 0 && !is_certain(abort));
}

void rule_init(struct rule *rule, const struct rule_definition *definition, uint64_t seed_key,
               uint32_t slot)
{
    *rule = (struct rule){
        .fixed = fixed_outcome(definition, slot),
        .seed_key = seed_key,
        .draws = has_to_draw(definition),
        .definition = *definition,
        .owners = 1,
    };
}

static double draw_unit(const struct rule *rule, uint64_t ordinal, enum draw_purpose purpose)
{
    return random_unit(random_draw(rule->seed_key, ordinal, rule->definition.number, purpose));
}

void rule_draw_at(const struct rule *rule, uint64_t ordinal, struct outcome *ret_outcome)
{
    const struct rule_definition *definition = &rule->definition;
    struct outcome outcome = rule->fixed;
    outcome.ordinal = ordinal;
    outcome.drew = true;
    if (law_draws(definition->delay)) {
        outcome.delay_ns =
            draw_delay_ns(definition->delay, rule->seed_key, ordinal, definition->number);
    }
    if (definition->errors.probability.digits != 0 &&
        fault_happens(definition->errors.probability, draw_unit(rule, ordinal, DRAW_ERROR))) {
        outcome.status =
            fault_errors_status(&definition->errors, draw_unit(rule, ordinal, DRAW_CODE));
    }
    if (definition->abort.probability.digits != 0 &&
        fault_happens(definition->abort.probability, draw_unit(rule, ordinal, DRAW_ABORT))) {
        outcome.abort = definition->abort.place;
    }
    if (definition->size != NULL && law_draws(definition->size)) {
        outcome.size =
            (uint64_t)law_sample_ns(definition->size, draw_unit(rule, ordinal, DRAW_SIZE));
    }
    *ret_outcome = outcome;
}

bool rule_matches(const struct rule_definition *definition, const struct request *request)
{
    if (!rule_pattern_matches(&definition->route, request->path) ||
        (definition->methods != 0 && (definition->methods & METHOD_BIT(request->method)) == 0)) {
        return false;
    }
    for (unsigned i = 0; i < definition->field_count; i++) {
        const struct rule_field *field = &definition->fields[i];
        struct span name = span_of(field->name.text, field->name.length);
        struct span value = request_find(request, name);
        if (value.data == NULL || !rule_pattern_matches(&field->value, value)) {
            return false;
        }
    }
    return true;
}

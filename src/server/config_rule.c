#include "server/config_rule.h"

#include "app/route.h"
#include "base/quantity.h"
#include "http/scan.h"
#include "server/config_rules.h"
#include "server/settings.h"

#include <errno.h>

struct rule_reading {
    struct rule_definition *definition;
    int64_t max_delay_ns;
    bool has_probability; /* of the errors or the abort being read */
};

int config_duration_read(const struct config_reader *reader, const yaml_node_t *node,
                         int64_t minimum_ns, int64_t maximum_ns, int64_t *ret_ns)
{
    struct span text = SPAN("");
    struct parse_error why;
    int64_t ns = 0;
    int result = config_expect_scalar(reader, node, "a duration such as 200ms", &text);
    if (result < 0) {
        return result;
    }
    if (duration_parse(text, &ns, &why) < 0) {
        return config_refuse_scalar(reader, node, why.message);
    }
    if (ns < minimum_ns || ns > maximum_ns) {
        char memory[96];
        struct buffer reason = buffer_over(memory, sizeof memory);
        buffer_append_span(&reason, SPAN("must be from "));
        buffer_append_duration(&reason, minimum_ns);
        buffer_append_span(&reason, SPAN(" to "));
        buffer_append_duration(&reason, maximum_ns);
        buffer_append_byte(&reason, '\0');
        return config_refuse_scalar(reader, node, memory);
    }
    *ret_ns = ns;
    return 0;
}

static int read_route(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    struct rule_pattern *route = &reading->definition->route;
    struct span text = SPAN("");
    int result = config_expect_scalar(reader, node, "a path such as / or /status/*", &text);
    if (result < 0) {
        return result;
    }
    const char *star = memchr(text.data, '*', text.length);
    if (text.data[0] != '/') {
        return config_refuse_scalar(reader, node, "a path begins with /");
    }
    if (star != NULL && star + 1 != text.data + text.length) {
        return config_refuse_scalar(reader, node, "* is allowed at the end only");
    }
    if (!rule_pattern_set(route, text, true)) {
        return config_refuse_scalar(reader, node, "longer than 127 bytes");
    }
    if (!route_may_have_rule(route)) {
        return config_refuse_scalar(reader, node,
                                    "there is no route that rules are for at such a path");
    }
    return 0;
}

static int add_method(const struct config_reader *reader, const yaml_node_t *node,
                      struct rule_definition *definition)
{
    struct span text = SPAN("");
    int result = config_expect_scalar(reader, node, "a method such as GET", &text);
    if (result < 0) {
        return result;
    }
    enum method method = method_from(text);
    if (method == METHOD_OTHER) {
        return config_refuse_scalar(reader, node, "not a method; they are in capitals");
    }
    definition->methods |= METHOD_BIT(method);
    return 0;
}

static int read_methods(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    if (node->type != YAML_SEQUENCE_NODE) {
        return add_method(reader, node, reading->definition);
    }
    if (config_count(node) == 0) {
        return config_refuse(reader, node, "expected a method such as GET");
    }
    int result = 0;
    for (size_t i = 0; result == 0 && i < config_count(node); i++) {
        result = add_method(reader, config_item(reader, node, i), reading->definition);
    }
    return result;
}

static bool is_token(struct span text)
{
    return text.length > 0 &&
           scan_token(text.data, text.data + text.length) == text.data + text.length;
}

static int add_field(const struct config_reader *reader, const yaml_node_pair_t *pair,
                     struct rule_definition *definition)
{
    const yaml_node_t *name = config_node(reader, pair->key);
    const yaml_node_t *value = config_node(reader, pair->value);
    struct span name_text = SPAN(""), value_text = SPAN("");
    int result = config_expect_scalar(reader, name, "the name of a header", &name_text);
    if (result == 0) {
        result = config_expect_scalar(reader, value, "a text; * for any", &value_text);
    }
    if (result < 0) {
        return result;
    }
    struct rule_field *field = &definition->fields[definition->field_count];
    if (definition->field_count == RULE_MAX_FIELDS) {
        return config_refuse_scalar(reader, name, "more than 4 headers");
    }
    if (!is_token(name_text) || !rule_pattern_set(&field->name, name_text, false)) {
        return config_refuse_scalar(reader, name, "not the name of a header");
    }
    if (!rule_pattern_set(&field->value, value_text, true)) {
        return config_refuse_scalar(reader, value, "longer than 127 bytes");
    }
    definition->field_count++;
    return 0;
}

static int read_headers(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    if (node->type != YAML_MAPPING_NODE) {
        return config_refuse(reader, node, "expected headers, `name: value`");
    }
    int result = 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         result == 0 && pair < node->data.mapping.pairs.top; pair++) {
        result = add_field(reader, pair, reading->definition);
    }
    return result;
}

static int read_share(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    struct span text = SPAN("");
    struct parse_error why;
    int result = config_expect_scalar(reader, node, "a number from 0 to 1", &text);
    if (result == 0 && fault_probability_parse(text, &reading->definition->share, &why) < 0) {
        result = config_refuse_scalar(reader, node, why.message);
    }
    return result;
}

static int read_law(const struct config_reader *reader, const yaml_node_t *node,
                    const struct law_limits *limits, struct law **law)
{
    struct span text = SPAN("");
    struct parse_error why;
    int result = config_expect_scalar(reader, node, "a law", &text);
    if (result == 0) {
        law_free(*law);
        *law = NULL;
        result = law_parse(text, limits, law, &why);
        result = result == -EINVAL ? config_refuse_scalar(reader, node, why.message) : result;
    }
    return result == -ENOMEM ? configuration_no_memory(reader->error) : result;
}

static int read_delay(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    struct law_limits limits = {.max_delay_ns = reading->max_delay_ns, .files_allowed = true};
    return read_law(reader, node, &limits, &reading->definition->delay);
}

static int read_size(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    struct law_limits limits = {.max_delay_ns = CONFIG_MAX_SIZE_BYTES, .sizes = true};
    return read_law(reader, node, &limits, &reading->definition->size);
}

static int read_probability(const struct config_reader *reader, const yaml_node_t *node,
                            struct rule_reading *reading, struct decimal *probability)
{
    struct span text = SPAN("");
    struct parse_error why;
    int result = config_expect_scalar(reader, node, "a probability from 0 to 1", &text);
    if (result == 0 && fault_probability_parse(text, probability, &why) < 0) {
        result = config_refuse_scalar(reader, node, why.message);
    }
    reading->has_probability = true;
    return result;
}

static int add_code(const struct config_reader *reader, const yaml_node_t *code,
                    const yaml_node_t *weight, struct rule_reading *reading)
{
    struct span code_text = SPAN(""), weight_text = {NULL, 0};
    struct parse_error why;
    int result = config_expect_scalar(reader, code, "a status such as 503", &code_text);
    if (result == 0 && weight != NULL) {
        result = config_expect_scalar(reader, weight, "a weight", &weight_text);
    }
    if (result == 0 &&
        fault_errors_add(&reading->definition->errors, code_text, weight_text, &why) < 0) {
        result = config_refuse_scalar(reader, code, why.message);
    }
    return result;
}

static int read_codes(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    int result = 0;
    if (node->type == YAML_SCALAR_NODE) {
        return add_code(reader, node, NULL, context);
    }
    if (config_count(node) == 0) {
        return config_refuse(reader, node, "expected a status such as 503");
    }
    for (size_t i = 0; result == 0 && i < config_count(node); i++) {
        if (node->type == YAML_SEQUENCE_NODE) {
            result = add_code(reader, config_item(reader, node, i), NULL, context);
        } else {
            const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[i];
            result = add_code(reader, config_node(reader, pair->key),
                              config_node(reader, pair->value), context);
        }
    }
    return result;
}

static int read_error_probability(const struct config_reader *reader, const yaml_node_t *node,
                                  void *context)
{
    struct rule_reading *reading = context;
    return read_probability(reader, node, reading, &reading->definition->errors.probability);
}

static int read_abort_probability(const struct config_reader *reader, const yaml_node_t *node,
                                  void *context)
{
    struct rule_reading *reading = context;
    return read_probability(reader, node, reading, &reading->definition->abort.probability);
}

static int read_place(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    struct span text = SPAN("");
    struct parse_error why;
    int result = config_expect_scalar(reader, node, "before, head or body", &text);
    if (result == 0 && fault_place_parse(text, &reading->definition->abort.place, &why) < 0) {
        result = config_refuse_scalar(reader, node, why.message);
    }
    return result;
}

/* The text that a flag takes, or a mapping. */
static int read_errors(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    static const struct config_key keys[] = {{"probability", read_error_probability},
                                             {"codes", read_codes}};
    struct rule_reading *reading = context;
    struct fault_errors *errors = &reading->definition->errors;
    struct parse_error why;
    if (node->type == YAML_SCALAR_NODE) {
        return fault_errors_parse(config_scalar(node), errors, &why) < 0
                   ? config_refuse_scalar(reader, node, why.message)
                   : 0;
    }
    reading->has_probability = false;
    int result =
        config_read_mapping(reader, node, "expected a probability, or probability and codes", keys,
                            ARRAY_LENGTH(keys), context);
    if (result == 0 && !reading->has_probability) {
        result = config_refuse(reader, node, "probability is missing");
    }
    if (result == 0) {
        fault_errors_finish(errors);
    }
    return result;
}

static int read_abort(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    static const struct config_key keys[] = {{"probability", read_abort_probability},
                                             {"at", read_place}};
    struct rule_reading *reading = context;
    struct fault_abort *abort = &reading->definition->abort;
    struct parse_error why;
    if (node->type == YAML_SCALAR_NODE) {
        return fault_abort_parse(config_scalar(node), abort, &why) < 0
                   ? config_refuse_scalar(reader, node, why.message)
                   : 0;
    }
    reading->has_probability = false;
    abort->place = OUTCOME_ABORT_BEFORE;
    int result = config_read_mapping(reader, node, "expected a probability, or probability and at",
                                     keys, ARRAY_LENGTH(keys), context);
    if (result == 0 && !reading->has_probability) {
        result = config_refuse(reader, node, "probability is missing");
    }
    return result;
}

static int read_drip(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    return config_duration_read(reader, node, 0, CONFIG_MAX_DRIP_NS, &reading->definition->drip_ns);
}

static int read_burn(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct rule_reading *reading = context;
    return config_duration_read(reader, node, 0, CONFIG_MAX_BURN_NS, &reading->definition->burn_ns);
}

static int read_bandwidth(const struct config_reader *reader, const yaml_node_t *node,
                          void *context)
{
    struct rule_reading *reading = context;
    struct span text = SPAN("");
    struct parse_error why;
    uint64_t bytes = 0;
    int result = config_expect_scalar(reader, node, "a size a second such as 64KiB", &text);
    if (result == 0 && size_parse(text, &bytes, &why) < 0) {
        result = config_refuse_scalar(reader, node, why.message);
    }
    reading->definition->bytes_per_second = bytes;
    return result;
}

int config_rule_read(const struct config_reader *reader, const yaml_node_t *node,
                     int64_t max_delay_ns, struct rule_definition *definition)
{
    static const struct config_key keys[] = {
        {"route", read_route}, {"methods", read_methods},     {"headers", read_headers},
        {"share", read_share}, {"delay", read_delay},         {"errors", read_errors},
        {"abort", read_abort}, {"drip", read_drip},           {"size", read_size},
        {"burn", read_burn},   {"bandwidth", read_bandwidth},
    };
    struct rule_reading reading = {.definition = definition, .max_delay_ns = max_delay_ns};
    int result = config_read_mapping(reader, node, "expected a rule, `route: /` and more", keys,
                                     ARRAY_LENGTH(keys), &reading);
    if (result == 0 && definition->route.length == 0) {
        result = config_refuse(reader, node, "route is missing");
    }
    if (result == 0 && definition->delay == NULL) {
        const struct law_limits limits = {0};
        result = law_parse(SPAN("none"), &limits, &definition->delay, NULL);
        result = result == -ENOMEM ? configuration_no_memory(reader->error) : result;
    }
    return result;
}

#include "server/config_rules.h"

#include "server/config_phases.h"
#include "server/config_rule.h"
#include "server/settings.h"

#include <stdio.h>

int config_rules_read_list(const struct config_reader *reader, const yaml_node_t *node,
                           struct config_rules *rules, unsigned number, const char *prefix,
                           struct rule_list *list)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return config_refuse(reader, node, "expected a list of rules");
    }
    for (size_t i = 0; i < config_count(node); i++) {
        const yaml_node_t *item = config_item(reader, node, i);
        if (rules->count == RULE_PROGRAM_MAX_RULES) {
            char reason[64];
            snprintf(reason, sizeof reason, "more than %d rules", RULE_PROGRAM_MAX_RULES);
            return config_refuse(reader, item, reason);
        }
        rules->count++;
        struct rule_definition *definition = rule_list_add(list);
        if (definition == NULL) {
            return configuration_no_memory(reader->error);
        }
        definition->number = RULE_NUMBER(number, i);
        snprintf(definition->name, sizeof definition->name, "%srules[%u]", prefix, (unsigned)i);
        int result = config_rule_read(reader, item, rules->max_delay_ns, definition);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int read_root(const struct config_reader *reader, const yaml_node_t *root, void *context)
{
    struct config_rules *rules = context;
    if (root == NULL || root->type != YAML_MAPPING_NODE) {
        return 0; /* what is wrong with it has been said by who read the options */
    }
    int result = 0;
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         result == 0 && pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_node(reader, pair->key);
        const yaml_node_t *value = config_node(reader, pair->value);
        struct span name = key->type == YAML_SCALAR_NODE ? config_scalar(key) : SPAN("");
        bool is_rules = span_equals(name, SPAN("rules"));
        bool *seen = is_rules ? &rules->has_rules : &rules->has_scenario;
        if (!is_rules && !span_equals(name, SPAN("scenario"))) {
            continue;
        }
        if (*seen) {
            return config_refuse_scalar(reader, key, "given twice");
        }
        *seen = true;
        result = is_rules
                     ? config_rules_read_list(reader, value, rules, 0, "", &rules->program->rules)
                     : config_scenario_read(reader, value, rules);
    }
    return result;
}

int config_rules_parse(const char *path, struct span text, int64_t max_delay_ns,
                       struct rule_program *program, char *error)
{
    struct config_rules rules = {.program = program, .max_delay_ns = max_delay_ns};
    return config_load(path, text, error, read_root, &rules);
}

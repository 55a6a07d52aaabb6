#include "server/config_phases.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "server/config_rule.h"
#include "server/settings.h"

#include <stdio.h>
#include <stdlib.h>

struct phase_reading {
    struct config_rules *rules;
    struct scenario_phase *phase;
    unsigned number;         /* from 0 */
    const yaml_node_t *name; /* NULL: none was given */
};

static int read_name(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct phase_reading *reading = context;
    struct span text = SPAN("");
    int result = config_expect_scalar(reader, node, "a name", &text);
    if (result < 0) {
        return result;
    }
    bool plain = text.length < SCENARIO_NAME_BYTES;
    for (size_t i = 0; i < text.length; i++) {
        plain &= text.data[i] >= ' ' && text.data[i] <= '~';
    }
    if (!plain || span_equals(text, span_from_string(SCENARIO_OVER))) {
        return config_refuse_scalar(reader, node,
                                    "a phase's name is up to 31 printable characters, not `over`");
    }
    memcpy(reading->phase->name, text.data, text.length);
    reading->name = node;
    return 0;
}

static int read_for(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct phase_reading *reading = context;
    return config_duration_read(reader, node, NS_PER_MS, SCENARIO_MAX_PHASE_NS,
                                &reading->phase->for_ns);
}

static int read_ramp(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct phase_reading *reading = context;
    struct span text = SPAN("");
    int result = config_expect_scalar(reader, node, "up or down", &text);
    bool up = result == 0 && span_equals(text, SPAN("up"));
    if (result == 0 && !up && !span_equals(text, SPAN("down"))) {
        return config_refuse_scalar(reader, node, "expected up or down");
    }
    reading->phase->ramp = up ? SCENARIO_UP : SCENARIO_DOWN;
    return result;
}

static int read_steps(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct phase_reading *reading = context;
    struct span text = SPAN("");
    uint64_t steps = 0;
    int result = config_expect_scalar(reader, node, "a number of steps", &text);
    if (result == 0 &&
        (count_parse(text, &steps, NULL) < 0 || steps == 0 || steps > SCENARIO_MAX_STEPS)) {
        return config_refuse_scalar(reader, node, "must be from 1 to 1000");
    }
    reading->phase->steps = (unsigned)steps;
    return result;
}

static int read_rules(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct phase_reading *reading = context;
    char prefix[32];
    snprintf(prefix, sizeof prefix, "scenario[%u].", reading->number);
    return config_rules_read_list(reader, node, reading->rules, reading->number + 1, prefix,
                                  &reading->phase->rules);
}

static int check_phase(const struct config_reader *reader, const yaml_node_t *node,
                       const struct phase_reading *reading)
{
    struct scenario_phase *phase = reading->phase;
    if (phase->ramp != SCENARIO_STEADY && phase->for_ns == 0) {
        return config_refuse(reader, node, "a ramp needs `for`");
    }
    if (phase->ramp == SCENARIO_STEADY && phase->steps != 0) {
        return config_refuse(reader, node, "steps are for phases with `ramp`");
    }
    if (phase->ramp != SCENARIO_STEADY && phase->steps == 0) {
        phase->steps = SCENARIO_DEFAULT_STEPS;
    }
    if (reading->name == NULL) {
        snprintf(phase->name, sizeof phase->name, "%u", reading->number + 1);
    }
    const struct scenario_phase *phases = reading->rules->program->phases;
    for (unsigned i = 0; i < reading->number; i++) {
        if (strcmp(phases[i].name, phase->name) == 0) {
            return config_refuse(reader, reading->name != NULL ? reading->name : node,
                                 "another phase has this name");
        }
        if (phases[i].for_ns == 0) {
            return config_refuse(reader, node, "the phase before has no `for`: it never ends");
        }
    }
    return 0;
}

static int read_phases(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    static const struct config_key keys[] = {{"name", read_name},
                                             {"for", read_for},
                                             {"ramp", read_ramp},
                                             {"steps", read_steps},
                                             {"rules", read_rules}};
    struct config_rules *rules = context;
    struct rule_program *program = rules->program;
    if (node->type != YAML_SEQUENCE_NODE || config_count(node) == 0 ||
        config_count(node) > RULE_PROGRAM_MAX_PHASES) {
        return config_refuse(reader, node, "expected a list of 1 to 64 phases");
    }
    program->phases = calloc(config_count(node), sizeof *program->phases);
    if (program->phases == NULL) {
        return configuration_no_memory(reader->error);
    }
    for (size_t i = 0; i < config_count(node); i++) {
        struct phase_reading reading = {
            .rules = rules, .phase = &program->phases[i], .number = (unsigned)i};
        const yaml_node_t *item = config_item(reader, node, i);
        program->phase_count++;
        int result = config_read_mapping(reader, item, "expected a phase, `for: 1m` and `rules:`",
                                         keys, ARRAY_LENGTH(keys), &reading);
        result = result == 0 ? check_phase(reader, item, &reading) : result;
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int read_repeat(const struct config_reader *reader, const yaml_node_t *node, void *context)
{
    struct config_rules *rules = context;
    struct span text = SPAN("");
    int result = config_expect_scalar(reader, node, "true or false", &text);
    bool repeat = result == 0 && span_equals(text, SPAN("true"));
    if (result == 0 && !repeat && !span_equals(text, SPAN("false"))) {
        return config_refuse_scalar(reader, node, "expected true or false");
    }
    rules->program->repeat = repeat;
    return result;
}

int config_scenario_read(const struct config_reader *reader, const yaml_node_t *node,
                         struct config_rules *rules)
{
    static const struct config_key keys[] = {{"repeat", read_repeat}, {"phases", read_phases}};
    const struct rule_program *program = rules->program;
    int result = node->type == YAML_SEQUENCE_NODE
                     ? read_phases(reader, node, rules)
                     : config_read_mapping(reader, node, "expected a list of phases", keys,
                                           ARRAY_LENGTH(keys), rules);
    if (result == 0 && program->phase_count == 0) {
        return config_refuse(reader, node, "phases are missing");
    }
    if (result == 0 && program->repeat && program->phases[program->phase_count - 1].for_ns == 0) {
        return config_refuse(reader, node, "the last phase of a scenario that repeats needs `for`");
    }
    return result;
}

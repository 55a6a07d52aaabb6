#include "latency/rule_program.h"

#include "base/assert.h"

#include <stdlib.h>

static void list_clear(struct rule_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        rule_definition_clear(&list->definitions[i]);
    }
    free(list->definitions);
    *list = (struct rule_list){0};
}

void rule_program_clear(struct rule_program *program)
{
    rule_definition_clear(&program->index);
    list_clear(&program->rules);
    for (unsigned i = 0; i < program->phase_count; i++) {
        list_clear(&program->phases[i].rules);
    }
    free(program->phases);
    *program = (struct rule_program){0};
}

struct rule_definition *rule_list_add(struct rule_list *list)
{
    size_t bytes = (list->count + 1) * sizeof *list->definitions;
    struct rule_definition *definitions = realloc(list->definitions, bytes);
    if (definitions == NULL) {
        return NULL;
    }
    list->definitions = definitions;
    definitions[list->count] = (struct rule_definition){.share = {1, 0}};
    return &definitions[list->count++];
}

unsigned rule_program_count(const struct rule_program *program)
{
    unsigned count = 1 + program->rules.count;
    for (unsigned i = 0; i < program->phase_count; i++) {
        count += program->phases[i].rules.count;
    }
    return count;
}

const struct rule_definition *rule_program_at(const struct rule_program *program, unsigned index)
{
    if (index == 0) {
        return &program->index;
    }
    index--;
    if (index < program->rules.count) {
        return &program->rules.definitions[index];
    }
    index -= program->rules.count;
    unsigned phase = 0;
    while (phase < program->phase_count && index >= program->phases[phase].rules.count) {
        index -= program->phases[phase++].rules.count;
    }
    ASSERT(phase < program->phase_count);
    return &program->phases[phase].rules.definitions[index];
}

/* When a step of a ramp begins, counted from the phase's beginning. */
static int64_t step_begin_ns(const struct scenario_phase *phase, unsigned step)
{
    return (int64_t)((unsigned __int128)phase->for_ns * step / phase->steps);
}

static void stand_on_ramp(const struct scenario_phase *phase, int64_t begin_ns, int64_t inside_ns,
                          struct scenario_position *position)
{
    unsigned step = 0;
    while (step + 1 < phase->steps && step_begin_ns(phase, step + 1) <= inside_ns) {
        step++;
    }
    unsigned taken = phase->ramp == SCENARIO_UP ? step + 1 : phase->steps - step - 1;
    position->factor = (double)taken / phase->steps;
    position->changes_ns = begin_ns + step_begin_ns(phase, step + 1);
}

struct scenario_position scenario_at(const struct rule_program *program, int64_t elapsed_ns)
{
    int64_t length_ns = 0;
    for (unsigned i = 0; i < program->phase_count; i++) {
        length_ns += program->phases[i].for_ns;
    }
    int64_t begin_ns = program->repeat && length_ns > 0 ? elapsed_ns / length_ns * length_ns : 0;
    struct scenario_position position = {.first = 1 + program->rules.count, .factor = 1};
    for (; position.phase < program->phase_count; position.phase++) {
        const struct scenario_phase *phase = &program->phases[position.phase];
        if (phase->for_ns == 0 || elapsed_ns < begin_ns + phase->for_ns) {
            position.changes_ns = phase->for_ns == 0 ? INT64_MAX : begin_ns + phase->for_ns;
            if (phase->ramp != SCENARIO_STEADY) {
                stand_on_ramp(phase, begin_ns, elapsed_ns - begin_ns, &position);
            }
            return position;
        }
        begin_ns += phase->for_ns;
        position.first += phase->rules.count;
    }
    position.changes_ns = INT64_MAX;
    return position;
}

static bool share_equals(struct decimal share, struct decimal other)
{
    return share.digits == other.digits && share.scale == other.scale;
}

static bool phase_equals(const struct scenario_phase *phase, const struct scenario_phase *other)
{
    bool equal = phase->for_ns == other->for_ns && phase->ramp == other->ramp &&
                 phase->steps == other->steps && phase->rules.count == other->rules.count &&
                 strcmp(phase->name, other->name) == 0;
    for (unsigned i = 0; equal && i < phase->rules.count; i++) {
        const struct rule_definition *one = &phase->rules.definitions[i];
        const struct rule_definition *two = &other->rules.definitions[i];
        equal = share_equals(one->share, two->share) && rule_definition_equals(one, two);
    }
    return equal;
}

bool scenario_equals(const struct rule_program *program, const struct rule_program *other)
{
    bool equal = program->phase_count == other->phase_count && program->repeat == other->repeat;
    for (unsigned i = 0; equal && i < program->phase_count; i++) {
        equal = phase_equals(&program->phases[i], &other->phases[i]);
    }
    return equal;
}

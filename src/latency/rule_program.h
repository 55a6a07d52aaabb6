/*
 * All rules of a configuration: those that are always there, the phases of the scenario, and the
 * one that the options make for `/`; and which of them are in force at a given time. Made by
 * whoever reads the configuration; one thread at a time, but for the pure functions.
 */
#pragma once

#include "latency/rule.h"

#define RULE_PROGRAM_MAX_RULES 64 /* all lists together */
#define RULE_PROGRAM_MAX_PHASES 64
#define SCENARIO_NAME_BYTES 32
#define SCENARIO_MAX_PHASE_NS (INT64_C(30) * 86400 * 1000000000)
#define SCENARIO_MAX_STEPS 1000
#define SCENARIO_DEFAULT_STEPS 10
#define SCENARIO_OVER "over" /* no phase may have this name */

/* The number of rule `index` of a list: 0 for `rules`, then 1 for the first phase's. */
#define RULE_NUMBER(list, index) ((uint32_t)(list) << 16 | ((uint32_t)(index) + 1))

struct rule_list {
    struct rule_definition *definitions; /* owned */
    unsigned count;
};

/* How much of the requests a phase's rules take meanwhile; the others go on to `rules`. */
enum scenario_ramp {
    SCENARIO_STEADY, /* all */
    SCENARIO_UP,     /* in steps of the same length: 1/steps at first, all at last */
    SCENARIO_DOWN,   /* in the same steps backwards: none at last */
};

struct scenario_phase {
    char name[SCENARIO_NAME_BYTES]; /* printable, NUL-terminated */
    int64_t for_ns;                 /* 0, of the last one only: for ever */
    enum scenario_ramp ramp;
    unsigned steps; /* of a ramp: 1 to SCENARIO_MAX_STEPS */
    struct rule_list rules;
};

struct rule_program {
    struct rule_definition index; /* of `/` */
    struct rule_list rules;
    struct scenario_phase *phases; /* owned */
    unsigned phase_count;
    bool repeat; /* behind the last phase comes the first; else none is */
};

/* Frees what the program owns and leaves it all zero. */
void rule_program_clear(struct rule_program *program);

/* Room for one more, all zero but for a share of 1; NULL without memory. */
WARN_UNUSED struct rule_definition *rule_list_add(struct rule_list *list);

/* How many rules there are, that of `/` included. */
unsigned rule_program_count(const struct rule_program *program);

/* Rule `index` of all, in the order: `/`, `rules`, those of each phase. */
const struct rule_definition *rule_program_at(const struct rule_program *program, unsigned index);

struct scenario_position {
    unsigned phase;     /* phase_count: none */
    unsigned first;     /* the number, as in rule_program_at(), of the phase's first rule */
    double factor;      /* of the shares of the phase's rules */
    int64_t changes_ns; /* when it is another, in time since the scenario's beginning; INT64_MAX */
};

/* Where the scenario stands so long after its beginning. Pure. */
struct scenario_position scenario_at(const struct rule_program *program, int64_t elapsed_ns);

/* Whether both have the same phases, so that a scenario goes on. */
bool scenario_equals(const struct rule_program *program, const struct rule_program *other);

/* The scenario of the configuration file. Private to src/server/config_*.c. One thread. */
#pragma once

#include "latency/rule_program.h"
#include "server/config_node.h"

/* What is being read, of the whole file. */
struct config_rules {
    struct rule_program *program;
    int64_t max_delay_ns;
    unsigned count; /* of rules so far, in all lists */
    bool has_rules, has_scenario;
};

/* Reads a list, numbered `number` and named `prefix`rules[..]. -EINVAL or -ENOMEM. */
int config_rules_read_list(const struct config_reader *reader, const yaml_node_t *node,
                           struct config_rules *rules, unsigned number, const char *prefix,
                           struct rule_list *list) WARN_UNUSED;

int config_scenario_read(const struct config_reader *reader, const yaml_node_t *node,
                         struct config_rules *rules) WARN_UNUSED;

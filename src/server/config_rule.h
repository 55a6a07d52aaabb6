/* One rule of the configuration file. Private to src/server/config_*.c. One thread. */
#pragma once

#include "latency/rule.h"
#include "server/config_node.h"

/* Fills the definition, whose name, number and share of 1 are there. -EINVAL or -ENOMEM. */
int config_rule_read(const struct config_reader *reader, const yaml_node_t *node,
                     int64_t max_delay_ns, struct rule_definition *definition) WARN_UNUSED;

/* A duration from `minimum_ns` to `maximum_ns`. */
int config_duration_read(const struct config_reader *reader, const yaml_node_t *node,
                         int64_t minimum_ns, int64_t maximum_ns, int64_t *ret_ns) WARN_UNUSED;

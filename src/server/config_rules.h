/*
 * `rules:` and `scenario:` of the configuration file (docs/rules.md). One thread.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"
#include "latency/rule_program.h"

/* The largest size that a law of sizes may give. */
#define CONFIG_MAX_SIZE_BYTES (INT64_C(1) << 30)
#define CONFIG_MAX_DRIP_NS (INT64_C(3600) * 1000000000)
#define CONFIG_MAX_BURN_NS INT64_C(1000000000)

/*
 * Reads both from the whole text of the file into `program`, whose rule of `/` is left alone; other
 * keys are not looked at. -EINVAL with path:line:column in `error` (CONFIGURATION_ERROR_BYTES), or
 * -ENOMEM; the program is the caller's to clear in either case. Safe on any bytes.
 */
WARN_UNUSED int config_rules_parse(const char *path, struct span text, int64_t max_delay_ns,
                                   struct rule_program *program, char *error);

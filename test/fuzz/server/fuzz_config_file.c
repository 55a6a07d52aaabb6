/*
 * Any bytes as the configuration file: reading must be safe, and a refusal must say why in one
 * printable line.
 */
#include "base/assert.h"
#include "server/config_file.h"
#include "server/config_rules.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    char error[CONFIGURATION_ERROR_BYTES] = "";
    struct configuration *configuration = calloc(1, sizeof *configuration);
    ASSERT(configuration != NULL);
    configuration->max_delay_ns = INT64_C(60000000000);
    int result = config_file_parse("a", span_of((const char *)data, size), &settings, error);
    if (result == 0) {
        result = settings_apply(&settings, false, configuration, error);
    }
    if (result == 0) {
        result = settings_apply(&settings, true, configuration, error);
    }
    struct rule_program program = {0};
    if (result == 0) {
        result = config_rules_parse("a", span_of((const char *)data, size),
                                    configuration->max_delay_ns, &program, error);
    }
    if (result == 0) {
        (void)scenario_at(&program, INT64_C(3600000000000));
        ASSERT(scenario_equals(&program, &program));
    }
    rule_program_clear(&program);
    ASSERT((result < 0) == (error[0] != '\0'));
    for (const char *c = error; *c != '\0'; c++) {
        ASSERT(*c >= ' ' && *c <= '~');
    }
    settings_clear(&settings);
    configuration_free(configuration);
    return 0;
}

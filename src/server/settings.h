/*
 * Options as texts, as one source (the flags, the environment, the file) gave them, and their way
 * into a configuration. Used at start only; one thread.
 */
#pragma once

#include "base/compiler.h"
#include "server/configuration.h"
#include "server/options.h"

struct setting {
    struct text_list values; /* one, or for lists any number; empty: not given */
    char *origin;            /* owned: `--listen`, `HTTPSERVER_LISTEN`, `a.yaml:3:9: listen` */
};

/* What one source gave, by option. */
struct settings {
    struct setting by_option[OPTION_IDS];
    char *file_text; /* owned: all of the file that was read, or NULL */
    size_t file_length;
};

void settings_clear(struct settings *settings);

/* Fills `error` (CONFIGURATION_ERROR_BYTES) with one line and returns -EINVAL. */
COLD int configuration_error(char *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same for memory that could not be had; returns -ENOMEM. */
COLD int configuration_no_memory(char *error);

/*
 * Adds a value to a list option or replaces that of another. When `separated`, commas separate the
 * items of lists. An empty value or item is an error.
 */
int settings_add(struct settings *settings, const struct option *option, const char *origin,
                 struct span value, bool separated, char *error) WARN_UNUSED;

/* argv holds options only. `commands`: which commands' options are known. */
int settings_from_flags(struct settings *settings, unsigned commands, int argc, char *const *argv,
                        char *error) WARN_UNUSED;

/*
 * Takes the HTTPSERVER_* variables. Those that are empty count as not given. Unknown ones become
 * warnings, but for those that Kubernetes makes for a Service called httpserver.
 */
int settings_from_environment(struct settings *settings, char *const *environment,
                              struct text_list *warnings, char *error) WARN_UNUSED;

/* Reads the values into the configuration, all options but laws, or laws only (they need
 * max-delay); notes the origins. */
int settings_apply(const struct settings *settings, bool laws, struct configuration *configuration,
                   char *error) WARN_UNUSED;

/* Reads one option's value. `values` has at least one item; more for lists only. */
int option_apply(const struct option *option, const char *origin, const struct text_list *values,
                 struct configuration *configuration, char *error) WARN_UNUSED;

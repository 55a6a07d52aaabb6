/*
 * Flags: `--option value`, `--option=value`, `--boolean`, `--boolean=false`; `--` ends them.
 */
#include "server/command.h"
#include "server/settings.h"

#include <stdio.h>

#define SHOWN_BYTES 60

static int refuse_argument(const char *argument, const char *reason, char *error)
{
    char memory[4 * SHOWN_BYTES + 4];
    struct buffer shown = buffer_over(memory, sizeof memory);
    buffer_append_printable(&shown, span_from_string(argument), SHOWN_BYTES);
    return configuration_error(error, "%.*s: %s", (int)shown.length, memory, reason);
}

static bool is_truth_value(const char *text)
{
    return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
}

/* Reads the flag at argv[*index], and its value, which may be the next argument. */
static int read_flag(struct settings *settings, unsigned commands, int argc, char *const *argv,
                     int *index, char *error)
{
    const char *argument = argv[*index];
    const char *equals = strchr(argument, '=');
    size_t length = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
    const struct option *option =
        option_find(span_of(argument + 2, length - 2), (commands & COMMAND_DRAW) != 0);
    char origin[OPTION_VARIABLE_MAX_BYTES];
    if (option == NULL ||
        (size_t)snprintf(origin, sizeof origin, "%.*s", (int)length, argument) != length) {
        return refuse_argument(argument, "unknown option; --help lists them", error);
    }
    if ((option->commands & commands) == 0) {
        return configuration_error(error, "%s: not an option of this command; --help lists them",
                                   origin);
    }
    const char *next = *index + 1 < argc ? argv[*index + 1] : NULL;
    const char *value = NULL;
    if (equals != NULL) {
        value = equals + 1;
    } else if (option->kind == OPTION_KIND_BOOLEAN) {
        if (is_truth_value(next)) {
            value = next;
            ++*index;
        } else {
            value = "true";
        }
    } else if (next != NULL) {
        value = next;
        ++*index;
    } else {
        return configuration_error(error, "%s: needs a value, %s", origin, option->argument);
    }
    return settings_add(settings, option, origin, span_from_string(value), true, error);
}

int settings_from_flags(struct settings *settings, unsigned commands, int argc, char *const *argv,
                        char *error)
{
    for (int index = 0; index < argc; index++) {
        const char *argument = argv[index];
        if (strcmp(argument, "--") == 0) {
            if (index + 1 == argc) {
                return 0;
            }
            return refuse_argument(argv[index + 1], "unexpected argument", error);
        }
        if (strncmp(argument, "--", 2) != 0) {
            return refuse_argument(argument,
                                   argument[0] == '-' ? "unknown option; --help lists them"
                                                      : "unexpected argument",
                                   error);
        }
        int result = read_flag(settings, commands, argc, argv, &index, error);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

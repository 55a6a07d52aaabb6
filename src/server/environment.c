/*
 * HTTPSERVER_* variables. Kubernetes puts HTTPSERVER_SERVICE_HOST, HTTPSERVER_PORT and the like
 * into every container that runs beside a Service called httpserver: those are none of ours.
 */
#include "server/settings.h"

#include <errno.h>

#define SHOWN_BYTES 60

static const struct option *find_by_variable(struct span name)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        char variable[OPTION_VARIABLE_MAX_BYTES];
        option_variable_name(&options[i], variable);
        if (options[i].in_environment && span_equals(name, span_from_string(variable))) {
            return &options[i];
        }
    }
    return NULL;
}

static bool is_made_by_kubernetes(struct span name)
{
    return span_starts_with(name, SPAN("HTTPSERVER_PORT")) ||
           span_starts_with(name, SPAN("HTTPSERVER_SERVICE_"));
}

static int warn_unknown(struct span name, struct text_list *warnings, char *error)
{
    char memory[4 * SHOWN_BYTES + 80];
    struct buffer line = buffer_over(memory, sizeof memory);
    buffer_append_printable(&line, name, SHOWN_BYTES);
    buffer_append_span(&line, SPAN(": unknown environment variable, ignored"));
    /* A list that is full already says enough. */
    return text_list_append(warnings, buffer_span(&line)) == -ENOMEM
               ? configuration_no_memory(error)
               : 0;
}

int settings_from_environment(struct settings *settings, char *const *environment,
                              struct text_list *warnings, char *error)
{
    for (; *environment != NULL; environment++) {
        struct span entry = span_from_string(*environment);
        const char *equals = strchr(*environment, '=');
        if (!span_starts_with(entry, SPAN("HTTPSERVER_")) || equals == NULL) {
            continue;
        }
        struct span name = span_of(*environment, (size_t)(equals - *environment));
        const struct option *option = find_by_variable(name);
        int result = 0;
        if (option == NULL) {
            if (!is_made_by_kubernetes(name)) {
                result = warn_unknown(name, warnings, error);
            }
        } else if (equals[1] != '\0' && settings->by_option[option->id].values.count == 0) {
            char origin[OPTION_VARIABLE_MAX_BYTES];
            option_variable_name(option, origin);
            result =
                settings_add(settings, option, origin, span_from_string(equals + 1), true, error);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

#include "server/configuration.h"

#include "base/assert.h"
#include "base/quantity.h"
#include "server/command.h"
#include "server/config_file.h"
#include "server/config_rules.h"
#include "server/settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The three sources, the strongest last. */
struct sources {
    struct settings file;
    struct settings environment;
    struct settings flags;
};

static int apply_defaults(bool laws, struct configuration *configuration, char *error)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        if (options[i].default_text == NULL || (options[i].kind == OPTION_KIND_LAW) != laws) {
            continue;
        }
        /* The default law may be beyond a smaller --max-delay: an error, but only when it counts.
         */
        if (laws && configuration->origins[i] != NULL) {
            continue;
        }
        char origin[OPTION_VARIABLE_MAX_BYTES];
        snprintf(origin, sizeof origin, "--%s (default)", options[i].name);
        struct text_list values = {0};
        int result = text_list_append(&values, span_from_string(options[i].default_text));
        result = result < 0 ? configuration_no_memory(error)
                            : option_apply(&options[i], origin, &values, configuration, error);
        text_list_clear(&values);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static const char *config_path(const struct sources *sources)
{
    const struct setting *flag = &sources->flags.by_option[OPTION_CONFIG];
    const struct setting *variable = &sources->environment.by_option[OPTION_CONFIG];
    return flag->values.count > 0       ? flag->values.items[0]
           : variable->values.count > 0 ? variable->values.items[0]
                                        : NULL;
}

static int apply_sources(const struct sources *sources, bool laws,
                         struct configuration *configuration, char *error)
{
    int result = settings_apply(&sources->file, laws, configuration, error);
    if (result == 0) {
        result = settings_apply(&sources->environment, laws, configuration, error);
    }
    if (result == 0) {
        result = settings_apply(&sources->flags, laws, configuration, error);
    }
    return result;
}

/* RFC 9110, section 5.5: visible bytes, with spaces and tabs between them only. */
static bool is_field_value(struct span text)
{
    struct span trimmed = span_trim(text);
    if (text.length == 0 || trimmed.length != text.length) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if ((text.data[i] < ' ' || text.data[i] > '~') && text.data[i] != '\t') {
            return false;
        }
    }
    return true;
}

static int apply_version(char *const *environment, struct configuration *configuration, char *error)
{
    const char *version = program_version;
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "VERSION=", 8) == 0 && (*environment)[8] != '\0') {
            version = *environment + 8;
            break;
        }
    }
    size_t length = strlen(version);
    if (length > VERSION_MAX_BYTES || !is_field_value(span_of(version, length))) {
        return configuration_error(error,
                                   "VERSION: must be printable ASCII, without spaces around it, of "
                                   "at most %d bytes, since it becomes a header field",
                                   VERSION_MAX_BYTES);
    }
    memcpy(configuration->version, version, length + 1);
    return 0;
}

/* A drain shorter than the delays would cut requests off at every shutdown: say so at once. */
static int warn_short_drain(unsigned commands, struct configuration *configuration, char *error)
{
    double longest_ns = 0;
    for (unsigned i = 0; i < rule_program_count(configuration->program); i++) {
        const struct law *law = rule_program_at(configuration->program, i)->delay;
        longest_ns = fmax(longest_ns, law_quantile_ns(law, 0.999));
    }
    if ((commands & COMMAND_SERVE) == 0 || longest_ns <= (double)configuration->drain_timeout_ns) {
        return 0;
    }
    char memory[160];
    struct buffer line = buffer_over(memory, sizeof memory);
    buffer_append_span(&line, SPAN("--drain-timeout "));
    buffer_append_duration(&line, configuration->drain_timeout_ns);
    buffer_append_span(&line, SPAN(" is shorter than delays of a law: "
                                   "requests may be cut off at shutdown"));
    return text_list_append(&configuration->warnings, buffer_span(&line)) == -ENOMEM
               ? configuration_no_memory(error)
               : 0;
}

static int note_default_origins(struct configuration *configuration, char *error)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        if (configuration->origins[i] == NULL &&
            asprintf(&configuration->origins[i], "--%s (default)", options[i].name) < 0) {
            configuration->origins[i] = NULL;
            return configuration_no_memory(error);
        }
    }
    return 0;
}

/* The rule of the options for `/`, and those of the file. */
static int make_program(const struct sources *sources, struct configuration *configuration,
                        char *error)
{
    struct rule_program *program = calloc(1, sizeof *program);
    if (program == NULL) {
        return configuration_no_memory(error);
    }
    configuration->program = program;
    struct rule_definition *index = &program->index;
    rule_definition_of_index(index, configuration->delay);
    index->size = law_hold(configuration->size);
    index->errors = configuration->errors;
    index->abort = configuration->abort;
    index->drip_ns = configuration->drip_ns;
    index->bytes_per_second = configuration->bytes_per_second;
    index->burn_ns = configuration->burn_ns;
    const struct settings *file = &sources->file;
    return file->file_text == NULL
               ? 0
               : config_rules_parse(config_path(sources),
                                    span_of(file->file_text, file->file_length),
                                    configuration->max_delay_ns, program, error);
}

static int fill(struct sources *sources, const struct configuration_source *source,
                struct configuration *configuration, char *error)
{
    char *const *environment = source->environment;
    int result =
        settings_from_flags(&sources->flags, source->commands, source->argc, source->argv, error);
    if (result == 0) {
        result = settings_from_environment(&sources->environment, environment,
                                           &configuration->warnings, error);
    }
    if (result == 0 && config_path(sources) != NULL) {
        result = config_file_read(config_path(sources), &sources->file, error);
    }
    if (result == 0) {
        result = apply_defaults(false, configuration, error);
    }
    if (result == 0) {
        result = apply_sources(sources, false, configuration, error);
    }
    if (result == 0) {
        result = apply_sources(sources, true, configuration, error);
    }
    if (result == 0) {
        result = apply_defaults(true, configuration, error);
    }
    if (result == 0) {
        result = make_program(sources, configuration, error);
    }
    if (result == 0) {
        result = apply_version(environment, configuration, error);
    }
    if (result == 0 && !configuration->seed_given) {
        configuration->seed = seed_from_number(random_from_system());
    }
    if (result == 0) {
        result = note_default_origins(configuration, error);
    }
    return result == 0 ? warn_short_drain(source->commands, configuration, error) : result;
}

static int load(const struct configuration_source *source, struct configuration **ret_configuration,
                char error[CONFIGURATION_ERROR_BYTES])
{
    struct sources *sources = calloc(1, sizeof *sources);
    struct configuration *configuration = calloc(1, sizeof *configuration);
    if (sources == NULL || configuration == NULL) {
        free(sources);
        free(configuration);
        return configuration_no_memory(error);
    }
    int result = fill(sources, source, configuration, error);
    configuration->source = *source;
    configuration->file_text = sources->file.file_text;
    configuration->file_length = sources->file.file_length;
    sources->file.file_text = NULL;
    settings_clear(&sources->file);
    settings_clear(&sources->environment);
    settings_clear(&sources->flags);
    free(sources);
    if (result < 0) {
        configuration_free(configuration);
        return result;
    }
    *ret_configuration = configuration;
    return 0;
}

int configuration_load(unsigned commands, int argc, char *const *argv, char *const *environment,
                       struct configuration **ret_configuration,
                       char error[CONFIGURATION_ERROR_BYTES])
{
    const struct configuration_source source = {commands, argc, argv, environment};
    return load(&source, ret_configuration, error);
}

int configuration_load_again(const struct configuration *running,
                             struct configuration **ret_configuration,
                             char error[CONFIGURATION_ERROR_BYTES])
{
    int result = load(&running->source, ret_configuration, error);
    if (result == 0 && !(*ret_configuration)->seed_given) {
        (*ret_configuration)->seed = running->seed;
    }
    return result;
}

bool configuration_is_reloadable(enum option_id option)
{
    switch (option) {
    case OPTION_DELAY:
    case OPTION_MAX_DELAY:
    case OPTION_ERRORS:
    case OPTION_ABORT:
    case OPTION_DRIP:
    case OPTION_SIZE:
    case OPTION_BANDWIDTH:
    case OPTION_BURN:
        return true;
    default:
        return false;
    }
}

void configuration_free(struct configuration *configuration)
{
    if (configuration == NULL) {
        return;
    }
    text_list_clear(&configuration->listen);
    text_list_clear(&configuration->admin_listen);
    text_list_clear(&configuration->trust_forwarded);
    text_list_clear(&configuration->warnings);
    law_free(configuration->delay);
    law_free(configuration->size);
    if (configuration->program != NULL) {
        rule_program_clear(configuration->program);
        free(configuration->program);
    }
    free(configuration->config_path);
    free(configuration->file_text);
    free(configuration->verify_prometheus);
    text_list_clear(&configuration->verify_targets);
    text_list_clear(&configuration->verify_require);
    free(configuration->health_url);
    free(configuration->user);
    free(configuration->admin);
    for (size_t i = 0; i < OPTION_IDS; i++) {
        free(configuration->origins[i]);
        free(configuration->texts[i]);
    }
    free(configuration);
}

const char *configuration_origin(const struct configuration *configuration, enum option_id option)
{
    ASSERT(option < OPTION_IDS);
    return configuration->origins[option];
}

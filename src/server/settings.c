#include "server/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int configuration_error(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, CONFIGURATION_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

int configuration_no_memory(char *error)
{
    snprintf(error, CONFIGURATION_ERROR_BYTES, "out of memory while reading the configuration");
    return -ENOMEM;
}

void settings_clear(struct settings *settings)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        text_list_clear(&settings->by_option[i].values);
        free(settings->by_option[i].origin);
        settings->by_option[i].origin = NULL;
    }
    free(settings->file_text);
    settings->file_text = NULL;
    settings->file_length = 0;
}

static int append_value(struct setting *setting, const char *origin, struct span value, char *error)
{
    if (value.length == 0) {
        return configuration_error(error, "%s: the value is empty", origin);
    }
    if (memchr(value.data, '\0', value.length) != NULL) {
        return configuration_error(error, "%s: the value has a NUL byte", origin);
    }
    switch (text_list_append(&setting->values, value)) {
    case 0:
        return 0;
    case -E2BIG:
        return configuration_error(error, "%s: more than %d values", origin, TEXT_LIST_MAX_ITEMS);
    default:
        return configuration_no_memory(error);
    }
}

int settings_add(struct settings *settings, const struct option *option, const char *origin,
                 struct span value, bool separated, char *error)
{
    struct setting *setting = &settings->by_option[option->id];
    if (option->kind != OPTION_KIND_LIST) {
        text_list_clear(&setting->values);
    }
    if (setting->origin == NULL && (setting->origin = strdup(origin)) == NULL) {
        return configuration_no_memory(error);
    }
    if (option->kind != OPTION_KIND_LIST || !separated) {
        return append_value(setting, origin, value, error);
    }
    for (;;) {
        const char *comma = value.length == 0 ? NULL : memchr(value.data, ',', value.length);
        size_t length = comma == NULL ? value.length : (size_t)(comma - value.data);
        int result = append_value(setting, origin, span_trim(span_of(value.data, length)), error);
        if (result < 0 || comma == NULL) {
            return result;
        }
        value = span_after(value, length + 1);
    }
}

/* The values as one text, to compare configurations by. */
static int note_text(const struct text_list *values, char **text, char *error)
{
    size_t bytes = 1;
    for (size_t i = 0; i < values->count; i++) {
        bytes += strlen(values->items[i]) + 1;
    }
    struct buffer joined = buffer_over(malloc(bytes), bytes);
    if (joined.data == NULL) {
        return configuration_no_memory(error);
    }
    for (size_t i = 0; i < values->count; i++) {
        buffer_append_span(&joined, span_from_string(values->items[i]));
        buffer_append_byte(&joined, ',');
    }
    buffer_append_byte(&joined, '\0');
    free(*text);
    *text = joined.data;
    return 0;
}

int settings_apply(const struct settings *settings, bool laws, struct configuration *configuration,
                   char *error)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        const struct setting *setting = &settings->by_option[i];
        if (setting->values.count == 0 || (options[i].kind == OPTION_KIND_LAW) != laws) {
            continue;
        }
        int result =
            option_apply(&options[i], setting->origin, &setting->values, configuration, error);
        if (result < 0) {
            return result;
        }
        char *origin = strdup(setting->origin);
        if (origin == NULL) {
            return configuration_no_memory(error);
        }
        free(configuration->origins[i]);
        configuration->origins[i] = origin;
        result = note_text(&setting->values, &configuration->texts[i], error);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

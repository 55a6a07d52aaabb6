/*
 * How the text of each kind of option becomes a value in struct configuration.
 */
#include "base/quantity.h"
#include "server/config_rules.h"
#include "server/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Values in messages are cut to this, so that the reason behind them is always there. */
#define SHOWN_BYTES 80

static int refuse(const char *origin, const char *text, const char *reason, char *error)
{
    char memory[4 * SHOWN_BYTES + 4];
    struct buffer shown = buffer_over(memory, sizeof memory);
    buffer_append_printable(&shown, span_from_string(text), SHOWN_BYTES);
    return configuration_error(error, "%s '%.*s': %s", origin, (int)shown.length, memory, reason);
}

static void append_number(struct buffer *buffer, enum option_kind kind, uint64_t number)
{
    if (kind == OPTION_KIND_DURATION) {
        buffer_append_duration(buffer, (int64_t)number);
    } else if (kind == OPTION_KIND_SIZE) {
        buffer_append_size(buffer, number);
    } else {
        buffer_append_u64(buffer, number);
    }
}

static int apply_number(const struct option *option, const char *origin, const char *text,
                        void *member, char *error)
{
    struct parse_error why;
    struct span span = span_from_string(text);
    uint64_t number = 0;
    int64_t duration_ns = 0;
    int result = 0;
    if (option->kind == OPTION_KIND_DURATION) {
        result = duration_parse(span, &duration_ns, &why);
        number = (uint64_t)duration_ns;
    } else if (option->kind == OPTION_KIND_SIZE) {
        result = size_parse(span, &number, &why);
    } else {
        result = count_parse(span, &number, &why);
    }
    if (result < 0) {
        return refuse(origin, text, why.message, error);
    }
    if (number < option->minimum || number > option->maximum) {
        char memory[128];
        struct buffer reason = buffer_over(memory, sizeof memory);
        buffer_append_span(&reason, SPAN("must be from "));
        append_number(&reason, option->kind, option->minimum);
        buffer_append_span(&reason, SPAN(" to "));
        append_number(&reason, option->kind, option->maximum);
        buffer_append_byte(&reason, '\0');
        return refuse(origin, text, memory, error);
    }
    memcpy(member, &number, sizeof number);
    return 0;
}

static int apply_law(const char *origin, const char *text, struct configuration *configuration,
                     struct law **member, char *error)
{
    const struct law_limits limits = {.max_delay_ns = configuration->max_delay_ns,
                                      .files_allowed = true};
    struct parse_error why;
    struct law *law = NULL;
    int result = law_parse(span_from_string(text), &limits, &law, &why);
    if (result == -ENOMEM) {
        return configuration_no_memory(error);
    }
    if (result < 0) {
        return refuse(origin, text, why.message, error);
    }
    law_free(*member);
    *member = law;
    return 0;
}

static int apply_size_law(const char *origin, const char *text, struct law **member, char *error)
{
    const struct law_limits limits = {.max_delay_ns = CONFIG_MAX_SIZE_BYTES, .sizes = true};
    struct parse_error why;
    struct law *law = NULL;
    int result = law_parse(span_from_string(text), &limits, &law, &why);
    if (result < 0) {
        return result == -ENOMEM ? configuration_no_memory(error)
                                 : refuse(origin, text, why.message, error);
    }
    law_free(*member);
    *member = law;
    return 0;
}

static int apply_errors(const char *origin, const char *text, struct fault_errors *member,
                        char *error)
{
    struct parse_error why;
    return fault_errors_parse(span_from_string(text), member, &why) < 0
               ? refuse(origin, text, why.message, error)
               : 0;
}

static int apply_abort(const char *origin, const char *text, struct fault_abort *member,
                       char *error)
{
    struct parse_error why;
    return fault_abort_parse(span_from_string(text), member, &why) < 0
               ? refuse(origin, text, why.message, error)
               : 0;
}

static int apply_seed(const char *origin, const char *text, struct configuration *configuration,
                      char *error)
{
    struct parse_error why;
    if (seed_parse(span_from_string(text), &configuration->seed, &why) < 0) {
        return refuse(origin, text, why.message, error);
    }
    configuration->seed_given = true;
    return 0;
}

static int apply_list(const struct text_list *values, struct text_list *member, char *error)
{
    text_list_clear(member);
    for (size_t i = 0; i < values->count; i++) {
        if (text_list_append(member, span_from_string(values->items[i])) < 0) {
            return configuration_no_memory(error);
        }
    }
    return 0;
}

static int apply_choice(const struct option *option, const char *origin, const char *text,
                        unsigned *member, char *error)
{
    struct span choices = span_from_string(option->argument);
    for (unsigned place = 0; choices.length > 0; place++) {
        const char *bar = memchr(choices.data, '|', choices.length);
        size_t length = bar == NULL ? choices.length : (size_t)(bar - choices.data);
        if (span_equals(span_of(choices.data, length), span_from_string(text))) {
            *member = place;
            return 0;
        }
        choices = span_after(choices, bar == NULL ? length : length + 1);
    }
    char reason[128];
    snprintf(reason, sizeof reason, "expected one of %s", option->argument);
    return refuse(origin, text, reason, error);
}

int option_apply(const struct option *option, const char *origin, const struct text_list *values,
                 struct configuration *configuration, char *error)
{
    void *member = (char *)configuration + option->offset;
    const char *text = values->items[0];
    switch (option->kind) {
    case OPTION_KIND_LIST:
        return apply_list(values, member, error);
    case OPTION_KIND_TEXT:
        free(*(char **)member);
        *(char **)member = strdup(text);
        return *(char **)member == NULL ? configuration_no_memory(error) : 0;
    case OPTION_KIND_BOOLEAN:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            return refuse(origin, text, "expected true or false", error);
        }
        *(bool *)member = text[0] == 't';
        return 0;
    case OPTION_KIND_COUNT:
    case OPTION_KIND_SIZE:
    case OPTION_KIND_DURATION:
        return apply_number(option, origin, text, member, error);
    case OPTION_KIND_LAW:
        return apply_law(origin, text, configuration, member, error);
    case OPTION_KIND_SIZE_LAW:
        return apply_size_law(origin, text, member, error);
    case OPTION_KIND_ERRORS:
        return apply_errors(origin, text, member, error);
    case OPTION_KIND_ABORT:
        return apply_abort(origin, text, member, error);
    case OPTION_KIND_SEED:
        return apply_seed(origin, text, configuration, error);
    case OPTION_KIND_CHOICE:
        return apply_choice(option, origin, text, member, error);
    }
    return configuration_error(error, "%s: not an option's kind", origin);
}

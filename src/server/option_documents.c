#include "server/option_documents.h"

#include "server/command.h"
#include "server/options.h"
#include "server/rules_schema.h"

#include <string.h>

#define INDENT 6
#define WIDTH 80

/* Prints words from `column` on, breaking lines before WIDTH; returns the column reached. */
static size_t write_wrapped(FILE *stream, size_t column, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column + 1 + length > WIDTH && column > INDENT) {
            fprintf(stream, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            fputc(' ', stream);
            column++;
        }
        fprintf(stream, "%.*s", (int)length, text);
        column += length;
        text += length;
        text += *text == ' ';
    }
    return column;
}

static const char *shown_default(const struct option *option)
{
    return option->default_text != NULL ? option->default_text : option->default_note;
}

void options_write_help(FILE *stream, unsigned commands)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        const struct option *option = &options[i];
        if ((option->commands & commands) == 0) {
            continue;
        }
        fprintf(stream, "  --%s", option->name);
        if (option->alias != NULL && (commands & COMMAND_DRAW) != 0) {
            fprintf(stream, ", --%s", option->alias);
        }
        fprintf(stream, "%s%s\n%*s", option->argument != NULL ? " " : "",
                option->argument != NULL ? option->argument : "", INDENT, "");
        size_t column = write_wrapped(stream, INDENT, option->meaning);
        char variable[OPTION_VARIABLE_MAX_BYTES];
        option_variable_name(option, variable);
        char remark[256];
        snprintf(remark, sizeof remark, "(default: %s%s%s)", shown_default(option),
                 option->in_environment ? "; environment: " : "",
                 option->in_environment ? variable : "");
        write_wrapped(stream, column, remark);
        fputc('\n', stream);
    }
}

/* In Markdown's tables the bar separates cells, in code spans too. */
static void write_cell(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            fputc('\\', stream);
        }
        fputc(*text, stream);
    }
}

void options_write_markdown(FILE *stream)
{
    fprintf(stream, "| flag | default | environment | file | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < OPTION_IDS; i++) {
        const struct option *option = &options[i];
        if ((option->commands & COMMAND_SERVE) == 0) {
            continue;
        }
        char variable[OPTION_VARIABLE_MAX_BYTES];
        option_variable_name(option, variable);
        fprintf(stream, "| `--%s", option->name);
        if (option->argument != NULL) {
            fputc(' ', stream);
            write_cell(stream, option->argument);
        }
        const char *quote = option->default_text != NULL ? "`" : "";
        fprintf(stream, "` | %s%s%s | ", quote, shown_default(option), quote);
        fprintf(stream, option->in_environment ? "`%s` | " : "- | ", variable);
        fprintf(stream, option->in_file ? "`%s:` | " : "- | ", option->name);
        write_cell(stream, option->meaning);
        fprintf(stream, " |\n");
    }
}

static void write_json_text(FILE *stream, const char *text)
{
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', stream);
        }
        fputc(*text, stream);
    }
    fputc('"', stream);
}

/* What a value of each kind may look like in YAML. */
static const char *schema_of(const struct option *option)
{
    switch (option->kind) {
    case OPTION_KIND_LIST:
        return "\"anyOf\": [{\"type\": \"string\", \"minLength\": 1}, {\"type\": \"array\", "
               "\"items\": {\"type\": \"string\", \"minLength\": 1}}]";
    case OPTION_KIND_BOOLEAN:
        return "\"type\": \"boolean\"";
    case OPTION_KIND_COUNT:
        return "\"type\": \"integer\"";
    case OPTION_KIND_SIZE:
        return "\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, {\"type\": \"string\", "
               "\"pattern\": \"^[0-9]+(\\\\.[0-9]+)?(B|KiB|Ki|MiB|Mi|GiB|Gi)?$\"}]";
    case OPTION_KIND_DURATION:
        return "\"anyOf\": [{\"const\": 0}, {\"type\": \"string\", "
               "\"pattern\": \"^([0-9]+(\\\\.[0-9]+)?(ns|us|\xc2\xb5s|ms|s|m)|0)$\"}]";
    case OPTION_KIND_SEED:
        return "\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, {\"type\": \"string\", "
               "\"pattern\": \"^[0-9]+(@[A-Za-z0-9._-]+)?$\"}]";
    case OPTION_KIND_SIZE_LAW:
        return "\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, {\"type\": \"string\", "
               "\"minLength\": 1}]";
    case OPTION_KIND_ERRORS:
    case OPTION_KIND_ABORT:
        return "\"anyOf\": [{\"type\": \"number\", \"minimum\": 0, \"maximum\": 1}, "
               "{\"type\": \"string\", \"pattern\": \"^[0-9.]+(:.+)?$\"}]";
    case OPTION_KIND_CHOICE: /* see write_choices() */
    case OPTION_KIND_LAW:
    case OPTION_KIND_TEXT:
        break;
    }
    return "\"type\": \"string\", \"minLength\": 1";
}

/* "text|json|off" as a JSON Schema's enumeration. */
static void write_choices(FILE *stream, const char *choices)
{
    fprintf(stream, "\"enum\": [\"");
    for (; *choices != '\0'; choices++) {
        if (*choices == '|') {
            fprintf(stream, "\", \"");
        } else {
            fputc(*choices, stream);
        }
    }
    fprintf(stream, "\"]");
}

void options_write_schema(FILE *stream)
{
    fprintf(stream, "{\n"
                    "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
                    "  \"title\": \"Configuration file of httpserver\",\n"
                    "  \"type\": [\"object\", \"null\"],\n"
                    "  \"additionalProperties\": false,\n"
                    "  \"properties\": {\n");
    const char *separator = "";
    for (size_t i = 0; i < OPTION_IDS; i++) {
        const struct option *option = &options[i];
        if (!option->in_file) {
            continue;
        }
        fprintf(stream, "%s    \"%s\": {\n      ", separator, option->name);
        if (option->kind == OPTION_KIND_CHOICE) {
            write_choices(stream, option->argument);
        } else {
            fprintf(stream, "%s", schema_of(option));
        }
        fprintf(stream, ",\n");
        if (option->kind == OPTION_KIND_COUNT) {
            fprintf(stream, "      \"minimum\": %llu,\n      \"maximum\": %llu,\n",
                    (unsigned long long)option->minimum, (unsigned long long)option->maximum);
        }
        fprintf(stream, "      \"description\": ");
        write_json_text(stream, option->meaning);
        fprintf(stream, "\n    }");
        separator = ",\n";
    }
    fprintf(stream, ",\n%s", rules_schema);
}

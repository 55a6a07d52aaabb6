#include "../cmocka_includes.h"

#include "server/command.h"
#include "server/option_documents.h"
#include "server/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SOURCE_ROOT is the repository, from meson. With UPDATE_DOCUMENTS in the environment the files
 * are written anew instead of compared. */
#define DOCUMENT SOURCE_ROOT "/docs/configuration.md"
#define SCHEMA SOURCE_ROOT "/docs/configuration.schema.json"
#define BEGIN "<!-- options: begin -->\n"
#define END "<!-- options: end -->\n"

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    assert_true(length > 0 || getenv("UPDATE_DOCUMENTS") != NULL);
    fclose(file);
    return text;
}

static char *written_by(void (*write)(FILE *))
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    write(stream);
    fclose(stream);
    return text;
}

static void expect_file(const char *path, const char *wanted, const char *is)
{
    if (getenv("UPDATE_DOCUMENTS") != NULL) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(wanted, file) >= 0);
        assert_int_equal(fclose(file), 0);
    } else if (strcmp(wanted, is) != 0) {
        fail_msg("%s differs from the options' table: run this test once with UPDATE_DOCUMENTS=1",
                 path);
    }
}

static void the_documentation_has_the_table(void **state)
{
    (void)state;
    char *is = read_whole(DOCUMENT);
    char *table = written_by(options_write_markdown);
    char *begin = strstr(is, BEGIN), *end = strstr(is, END);
    assert_non_null(begin);
    assert_non_null(end);
    begin += strlen(BEGIN);
    assert_true(begin <= end);
    char *wanted = NULL;
    assert_true(asprintf(&wanted, "%.*s%s%s", (int)(begin - is), is, table, end) > 0);
    expect_file(DOCUMENT, wanted, is);
    free(wanted);
    free(table);
    free(is);
}

static void the_schema_is_that_of_the_table(void **state)
{
    (void)state;
    char *is = read_whole(SCHEMA);
    char *wanted = written_by(options_write_schema);
    expect_file(SCHEMA, wanted, is);
    free(wanted);
    free(is);
}

static void every_option_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_IDS; i++) {
        const struct option *option = &options[i];
        assert_int_equal(option->id, i);
        assert_ptr_equal(option_find(span_from_string(option->name), false), option);
        assert_true(option->default_text != NULL || option->default_note != NULL);
        assert_true((option->argument == NULL) == (option->kind == OPTION_KIND_BOOLEAN));
        assert_int_equal(option->meaning[strlen(option->meaning) - 1], '.');
        assert_true(option->commands != 0);
        /* Kubernetes makes HTTPSERVER_PORT* and HTTPSERVER_SERVICE_* for a Service httpserver. */
        assert_true(strncmp(option->name, "port", 4) != 0);
        assert_true(strncmp(option->name, "service", 7) != 0);
        char variable[OPTION_VARIABLE_MAX_BYTES];
        option_variable_name(option, variable);
        assert_int_equal(strlen(variable), strlen("HTTPSERVER_") + strlen(option->name));
    }
    char variable[OPTION_VARIABLE_MAX_BYTES];
    option_variable_name(&options[OPTION_MAX_HELD_MEMORY], variable);
    assert_string_equal(variable, "HTTPSERVER_MAX_HELD_MEMORY");
    assert_null(option_find(SPAN("law"), false));
    assert_ptr_equal(option_find(SPAN("law"), true), &options[OPTION_DELAY]);
    assert_null(option_find(SPAN(""), true));
}

static void write_serve_help(FILE *stream)
{
    options_write_help(stream, COMMAND_SERVE);
}

static void help_lists_all_and_fits_the_terminal(void **state)
{
    (void)state;
    char *help = written_by(write_serve_help);
    for (size_t i = 0; i < OPTION_IDS; i++) {
        char flag[80];
        snprintf(flag, sizeof flag, "  --%s%s", options[i].name,
                 options[i].argument == NULL ? "\n" : " ");
        bool listed = strstr(help, flag) != NULL;
        assert_true(listed == ((options[i].commands & COMMAND_SERVE) != 0));
    }
    for (char *line = strtok(help, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 80);
    }
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documentation_has_the_table),
        cmocka_unit_test(the_schema_is_that_of_the_table),
        cmocka_unit_test(every_option_is_complete),
        cmocka_unit_test(help_lists_all_and_fits_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

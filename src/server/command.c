#include "server/command.h"

#include "server/option_documents.h"

#include <stdlib.h>
#include <string.h>

static const struct command *find_command(const struct command *commands, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int refuse_command(const struct command *commands, size_t count, const char *name)
{
    char memory[256];
    struct buffer shown = buffer_over(memory, sizeof memory);
    buffer_append_printable(&shown, span_from_string(name), 40);
    fprintf(stderr, "httpserver: %.*s: unknown command; there are", (int)shown.length, memory);
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", commands[i].name);
    }
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static void write_help(const struct command *commands, size_t count, const struct command *command)
{
    const bool is_default = command == &commands[0];
    if (is_default) {
        printf("Usage: httpserver [COMMAND] [OPTION...]\n\n"
               "The HTTP server whose latency you already know.\n\nCommands:\n");
        for (size_t i = 0; i < count; i++) {
            printf("  %-9s %s%s\n", commands[i].name, commands[i].summary,
                   i == 0 ? " (the default)" : "");
        }
        printf("\nOptions of %s:\n", command->name);
    } else {
        printf("Usage: httpserver %s [OPTION...]\n\n%s.\n\nOptions:\n", command->name,
               command->summary);
    }
    options_write_help(stdout, command->bit);
    printf("  --help\n      Prints this; `httpserver COMMAND --help` that of another command.\n\n");
    printf(
        "A flag wins over the environment, which wins over the file. Durations are numbers with\n"
        "ns, us, ms, s or m; sizes with KiB, MiB or GiB. VERSION in the environment becomes the\n"
        "version that / answers with.\n");
}

static bool wants_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

/* Output that is lost (a full disk) is a failure too. */
static int flush_output(int code)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_SUCCESS) {
        fprintf(stderr, "httpserver: cannot write to standard output\n");
        return EXIT_FAILURE;
    }
    return code;
}

static int run_command(const struct command *command, int argc, char **argv, char **environment)
{
    static char error[CONFIGURATION_ERROR_BYTES];
    struct configuration *configuration = NULL;
    if (configuration_load(command->bit, argc, argv, environment, &configuration, error) < 0) {
        fprintf(stderr, "httpserver: %s\n", error);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < configuration->warnings.count; i++) {
        fprintf(stderr, "httpserver: warning: %s\n", configuration->warnings.items[i]);
    }
    int code = command->run(configuration);
    configuration_free(configuration);
    return code;
}

int command_main(const struct command *commands, size_t command_count, int argc, char **argv,
                 char **environment)
{
    const struct command *command = &commands[0];
    int used = argc > 0 ? 1 : 0;
    if (argc > 1 && argv[1][0] != '-') {
        command = find_command(commands, command_count, argv[1]);
        if (command == NULL) {
            return refuse_command(commands, command_count, argv[1]);
        }
        used = 2;
    } else if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        const struct command *version = find_command(commands, command_count, "version");
        command = version != NULL ? version : command;
        used = version != NULL ? 2 : used;
    }
    if (wants_help(argc - used, argv + used)) {
        write_help(commands, command_count, command);
        return flush_output(EXIT_SUCCESS);
    }
    return flush_output(run_command(command, argc - used, argv + used, environment));
}

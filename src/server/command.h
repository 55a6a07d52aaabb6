/*
 * Commands of the program: `httpserver [COMMAND] [OPTION...]`. The table of commands is main's;
 * here is what is the same for all: finding the command, --help, loading the configuration, and
 * printing what is wrong with it.
 */
#pragma once

#include "server/configuration.h"

#include <stddef.h>
#include <stdio.h>

/* Which commands an option is for; a command has one bit. */
enum command_set {
    COMMAND_SERVE = 1 << 0,
    COMMAND_DRAW = 1 << 1,
    COMMAND_HEALTH = 1 << 2,
    COMMAND_VERSION = 1 << 3,
    COMMAND_VERIFY = 1 << 4,
};

#define EXIT_USAGE 2 /* wrong flag, value, file or environment */

struct command {
    const char *name;
    const char *summary;  /* one line for --help, without a full stop */
    enum command_set bit; /* which options it has */
    /* Runs it and returns the exit code. */
    int (*run)(const struct configuration *configuration);
};

/*
 * The body of main(). The first command of the table is the default one. Errors are one line on
 * stderr, `httpserver: ...`, and EXIT_USAGE; warnings are lines on stderr too.
 */
int command_main(const struct command *commands, size_t command_count, int argc, char **argv,
                 char **environment);

/* `httpserver draw`: prints draws of the law, one per line, in seconds. */
int command_draw_run(const struct configuration *configuration);

/*
 * `httpserver health`: asks /healthz of the server at the configured address, or another URL. 0
 * when it answers 200, else 1 and one line on stderr that says why not.
 */
int command_health_run(const struct configuration *configuration);

/* `httpserver verify`: whether a monitoring stack tells the truth (docs/verify.md). */
int command_verify_run(const struct configuration *configuration);

/* `httpserver version` */
int command_version_run(const struct configuration *configuration);

/* The program's version, from the build. */
extern const char program_version[];

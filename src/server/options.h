/*
 * The one table of options: from it come the flags, the environment variables, the keys of the
 * file, --help, the table of docs/configuration.md and the file's JSON Schema.
 */
#pragma once

#include "base/span.h"
#include "server/configuration.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_KIND_TEXT,     /* char * */
    OPTION_KIND_LIST,     /* struct text_list */
    OPTION_KIND_BOOLEAN,  /* bool */
    OPTION_KIND_COUNT,    /* uint64_t */
    OPTION_KIND_SIZE,     /* uint64_t, bytes */
    OPTION_KIND_DURATION, /* int64_t, nanoseconds */
    OPTION_KIND_LAW,      /* struct law * */
    OPTION_KIND_SIZE_LAW, /* struct law *, of bytes */
    OPTION_KIND_ERRORS,   /* struct fault_errors */
    OPTION_KIND_ABORT,    /* struct fault_abort */
    OPTION_KIND_SEED,     /* struct seed */
    OPTION_KIND_CHOICE,   /* unsigned: the place in `argument`, which lists them: text|json|off */
};

struct option {
    enum option_id id; /* its place in the table */
    bool in_environment;
    bool in_file;
    const char *name;         /* without the dashes */
    const char *alias;        /* another name of the flag in `draw`, or NULL */
    const char *argument;     /* what --help calls the value; NULL for booleans */
    const char *default_text; /* read like any value; NULL: the zero of its kind */
    const char *default_note; /* shown where there is no default_text */
    const char *meaning;      /* for --help and the documentation: sentences */
    enum option_kind kind;
    unsigned commands; /* enum command_set */
    size_t offset;     /* of the value in struct configuration */
    uint64_t minimum;  /* of counts, sizes and durations, in their unit */
    uint64_t maximum;
};

extern const struct option options[OPTION_IDS];

/* By name, or flag's alias when `aliases`; NULL when there is none. */
const struct option *option_find(struct span name, bool aliases);

#define OPTION_VARIABLE_MAX_BYTES 64

/* HTTPSERVER_MAX_HEAD for max-head, NUL-terminated. */
void option_variable_name(const struct option *option, char ret_name[OPTION_VARIABLE_MAX_BYTES]);

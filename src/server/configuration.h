/*
 * What the program was asked to do: the values of all options, from flags over environment over
 * file over defaults (src/server/options.c has the table). Made once at start and immutable;
 * any thread may read it.
 */
#pragma once

#include "base/compiler.h"
#include "base/seed.h"
#include "base/span.h"
#include "latency/rule_program.h"
#include "server/access_log.h"
#include "server/text_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIGURATION_ERROR_BYTES 1024
#define VERSION_MAX_BYTES 128

/* In the order of the option's choices. */
enum request_faults {
    REQUEST_FAULTS_ON,
    REQUEST_FAULTS_OFF,
};

/* In the order of the option's choices. */
enum seccomp_mode {
    SECCOMP_AUTO,
    SECCOMP_OFF,
};

/* One for each row of the options' table, in its order. */
enum option_id {
    OPTION_LISTEN,
    OPTION_ADMIN_LISTEN,
    OPTION_REUSE_PORT,
    OPTION_WORKERS,
    OPTION_MAX_CONNECTIONS,
    OPTION_MAX_HEAD,
    OPTION_MAX_BODY,
    OPTION_MAX_HELD_MEMORY,
    OPTION_IDLE_TIMEOUT,
    OPTION_HEAD_TIMEOUT,
    OPTION_BODY_TIMEOUT,
    OPTION_WRITE_TIMEOUT,
    OPTION_BUSY_POLL,
    OPTION_DELAY,
    OPTION_MAX_DELAY,
    OPTION_ERRORS,
    OPTION_ABORT,
    OPTION_DRIP,
    OPTION_SIZE,
    OPTION_BANDWIDTH,
    OPTION_BURN,
    OPTION_REQUEST_FAULTS,
    OPTION_MAX_SIZE,
    OPTION_MAX_BURN,
    OPTION_SEED,
    OPTION_LOG,
    OPTION_TRUST_FORWARDED,
    OPTION_USER,
    OPTION_SECCOMP,
    OPTION_ADMIN,
    OPTION_DRAIN_DELAY,
    OPTION_DRAIN_TIMEOUT,
    OPTION_CONFIG,
    OPTION_RULE,           /* `draw` only */
    OPTION_COUNT,          /* the same */
    OPTION_HEALTH_URL,     /* `health` only */
    OPTION_HEALTH_TIMEOUT, /* the same */
    OPTION_PROMETHEUS,     /* `verify` only, and those below */
    OPTION_TARGET,
    OPTION_WINDOW,
    OPTION_REQUIRE,
    OPTION_FORMAT,
    OPTION_IDS, /* how many there are */
};

/* What configuration_load() was given, to read it all once more; not owned. */
struct configuration_source {
    unsigned commands;
    int argc;
    char *const *argv;
    char *const *environment;
};

struct configuration {
    struct text_list listen;       /* at least one, as written */
    struct text_list admin_listen; /* as written; empty: the same as listen */
    bool reuse_port;
    uint64_t workers;         /* 0: as many as affinity and quota give */
    uint64_t max_connections; /* 0: as many as the descriptor limit gives */
    uint64_t max_head_bytes;
    uint64_t max_body_bytes;
    uint64_t max_held_memory_bytes; /* all workers together */
    int64_t idle_timeout_ns;
    int64_t head_timeout_ns;
    int64_t body_timeout_ns; /* without progress */
    int64_t write_timeout_ns;
    int64_t busy_poll_ns; /* 0: never */
    struct law *delay;    /* owned */
    int64_t max_delay_ns;
    /* Of `/`, as the delay is: */
    struct fault_errors errors;
    struct fault_abort abort;
    int64_t drip_ns;
    struct law *size;          /* owned; NULL: the route's own */
    uint64_t bytes_per_second; /* 0: no limit */
    int64_t burn_ns;
    /* All rules, those above for `/` among them; owned, and for the server to take over. */
    struct rule_program *program;
    unsigned request_faults;          /* enum request_faults */
    uint64_t max_size_bytes;          /* that a request may ask for */
    int64_t max_burn_ns;              /* the same */
    struct seed seed;                 /* from the system when not given */
    unsigned log;                     /* enum log_format */
    unsigned seccomp;                 /* enum seccomp_mode */
    char *user;                       /* owned; UID:GID as written; NULL: stay who one is */
    struct text_list trust_forwarded; /* CIDRs as written */
    char *admin;                      /* owned; path of the token's file, or `off` */
    int64_t drain_delay_ns;
    int64_t drain_timeout_ns;
    char *config_path; /* owned; NULL without a file */
    char *file_text;   /* owned: all of the file as it was read, or NULL */
    size_t file_length;
    uint64_t draw_rule; /* its number */
    uint64_t draw_count;
    char *verify_prometheus;         /* owned */
    struct text_list verify_targets; /* URLs as written; empty: from Prometheus */
    int64_t verify_window_ns;
    struct text_list verify_require; /* as written */
    unsigned verify_format;          /* enum verify_format */
    char *health_url;                /* owned; NULL: the configured address */
    int64_t health_timeout_ns;
    char version[VERSION_MAX_BYTES + 1]; /* VERSION, else the build's; safe as a field value */

    bool seed_given;
    struct configuration_source source;
    char *texts[OPTION_IDS];   /* owned; as given, items joined by commas; NULL for defaults */
    char *origins[OPTION_IDS]; /* owned; NULL for defaults; see configuration_origin() */
    struct text_list warnings; /* lines for stderr, without the newline */
};

/*
 * Reads flags (argv without program and command names), environment (NULL-terminated NAME=VALUE)
 * and the file they name. `commands` is a set of enum command_set bits that says which options
 * exist here. On failure one line, without program name and newline, is in `error`: what, why and
 * which option (path:line:column for files). -EINVAL, -ENOMEM, or the errno of reading the file.
 * The caller gives the result to configuration_free().
 */
int configuration_load(unsigned commands, int argc, char *const *argv, char *const *environment,
                       struct configuration **ret_configuration,
                       char error[CONFIGURATION_ERROR_BYTES]) WARN_UNUSED;

void configuration_free(struct configuration *configuration); /* NULL is allowed */

/*
 * The same from the same flags and environment, which must still be there, and the file as it is
 * now. A seed that nobody chose is that of `running`.
 */
int configuration_load_again(const struct configuration *running,
                             struct configuration **ret_configuration,
                             char error[CONFIGURATION_ERROR_BYTES]) WARN_UNUSED;

/* Whether an option is followed while the server runs; the others need a restart. */
bool configuration_is_reloadable(enum option_id option);

/*
 * How the option was given, to put in front of a late error about its value: `--listen`,
 * `HTTPSERVER_LISTEN`, `server.yaml:3:9: listen` or, for a default, `--listen (default)`. Owned by
 * the configuration.
 */
const char *configuration_origin(const struct configuration *configuration, enum option_id option);

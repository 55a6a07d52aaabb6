/*
 * `httpserver verify`: asks a Prometheus and the servers it scrapes whether what is stored and
 * computed there is what happened (docs/verify.md). One thread; it blocks while it asks.
 */
#pragma once

#include "base/compiler.h"
#include "verify/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* In the order in which --format lists them. */
enum verify_format {
    VERIFY_TEXT,
    VERIFY_JSON,
    VERIFY_HTML, /* one page that needs nothing else */
};

enum verify_exit {
    VERIFY_HOLDS = 0,
    VERIFY_LIES = 1,          /* at least one stage failed */
    VERIFY_COULD_NOT_ASK = 2, /* none failed, but something could not be asked */
};

#define VERIFY_MAX_SERVERS 64

struct verify_request {
    struct url prometheus;
    struct url targets[VERIFY_MAX_SERVERS]; /* none: those that Prometheus itself knows */
    size_t target_count;
    int64_t window_seconds; /* a multiple of 10, 10 to 900 */
    bool require_rules;
    bool require_alertmanager;
    enum verify_format format;
};

/* Asks, writes the verdict to `output` and returns the exit code. */
enum verify_exit verify_run(const struct verify_request *request, FILE *output) WARN_UNUSED;

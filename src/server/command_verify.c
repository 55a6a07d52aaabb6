/*
 * `httpserver verify`: reads the options into a request; src/verify does the rest.
 */
#include "base/clock.h"
#include "base/quantity.h"
#include "server/command.h"
#include "verify/verify.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_SECONDS 10 /* what the servers keep windows in */

static int refuse(const struct configuration *configuration, enum option_id option,
                  const char *value, const char *reason)
{
    char memory[4 * 80 + 4];
    struct buffer shown = buffer_over(memory, sizeof memory);
    buffer_append_printable(&shown, span_from_string(value), 80);
    fprintf(stderr, "httpserver: %s '%.*s': %s\n", configuration_origin(configuration, option),
            (int)shown.length, memory, reason);
    return EXIT_USAGE;
}

static int read_urls(const struct configuration *configuration, struct verify_request *request)
{
    struct parse_error why;
    if (url_parse(span_from_string(configuration->verify_prometheus), &request->prometheus, &why) <
        0) {
        return refuse(configuration, OPTION_PROMETHEUS, configuration->verify_prometheus,
                      why.message);
    }
    const struct text_list *targets = &configuration->verify_targets;
    for (size_t i = 0; i < targets->count; i++) {
        if (i == VERIFY_MAX_SERVERS) {
            return refuse(configuration, OPTION_TARGET, targets->items[i], "too many targets");
        }
        if (url_parse(span_from_string(targets->items[i]), &request->targets[i], &why) < 0) {
            return refuse(configuration, OPTION_TARGET, targets->items[i], why.message);
        }
        request->target_count = i + 1;
    }
    return 0;
}

static int read_requirements(const struct configuration *configuration,
                             struct verify_request *request)
{
    const struct text_list *parts = &configuration->verify_require;
    for (size_t i = 0; i < parts->count; i++) {
        if (strcmp(parts->items[i], "rules") == 0) {
            request->require_rules = true;
        } else if (strcmp(parts->items[i], "alertmanager") == 0) {
            request->require_alertmanager = true;
        } else {
            return refuse(configuration, OPTION_REQUIRE, parts->items[i],
                          "expected rules or alertmanager");
        }
    }
    return 0;
}

int command_verify_run(const struct configuration *configuration)
{
    static struct verify_request request; /* large, and one a process */
    int result = read_urls(configuration, &request);
    if (result == 0) {
        result = read_requirements(configuration, &request);
    }
    request.format = (enum verify_format)configuration->verify_format;
    request.window_seconds = configuration->verify_window_ns / NS_PER_S;
    if (result == 0 && configuration->verify_window_ns % (SLICE_SECONDS * (int64_t)NS_PER_S) != 0) {
        char text[64];
        struct buffer shown = buffer_over(text, sizeof text - 1);
        buffer_append_duration(&shown, configuration->verify_window_ns);
        text[shown.length] = '\0';
        result = refuse(configuration, OPTION_WINDOW, text, "must be a multiple of 10s");
    }
    if (result != 0) {
        return result;
    }
    signal(SIGPIPE, SIG_IGN); /* a reader of the verdict that goes away changes no exit code */
    return (int)verify_run(&request, stdout);
}

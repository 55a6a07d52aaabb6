#include "server/reload.h"

#include "server/config_file.h"
#include "server/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int register_metrics(struct reload *reload, struct meter *meter, struct meter_error *error)
{
    struct meter_family *reloads =
        meter_register(meter,
                       &(struct meter_description){
                           .type = METER_COUNTER,
                           .name = "httpserver_config_reloads_total",
                           .help = "Times that the configuration was read again, by the result.",
                           .labels = METER_LABELS("result"),
                       },
                       error);
    struct meter_family *last =
        meter_register(meter,
                       &(struct meter_description){
                           .type = METER_GAUGE,
                           .name = "httpserver_config_last_reload_successful",
                           .help = "Whether the configuration that was read last is in force.",
                       },
                       error);
    if (reloads == NULL || last == NULL) {
        return -errno;
    }
    reload->succeeded = meter_counter_get(reloads, METER_LABELS("success"));
    reload->failed = meter_counter_get(reloads, METER_LABELS("failure"));
    reload->last_succeeded = meter_gauge_get(last, NULL);
    if (reload->succeeded == NULL || reload->failed == NULL || reload->last_succeeded == NULL) {
        return -errno;
    }
    meter_gauge_set(reload->last_succeeded, 1);
    return 0;
}

static void remember(struct reload *reload, char *text, size_t length)
{
    free(reload->seen);
    reload->seen = text;
    reload->seen_length = length;
}

int reload_open(struct reload *reload, const struct configuration *running, struct app *app,
                struct meter *meter, struct meter_error *error)
{
    *reload = (struct reload){.running = running, .app = app, .watch = {.fd = -1}};
    int result = register_metrics(reload, meter, error);
    if (result != 0 || running->config_path == NULL) {
        return result;
    }
    int watching = config_watch_open(&reload->watch, running->config_path);
    if (watching != 0) {
        fprintf(stderr,
                "httpserver: warning: %s: changes will not be seen (%s); SIGHUP has it read "
                "again\n",
                running->config_path, strerror(-watching));
    }
    reload->seen = running->file_text == NULL ? NULL : malloc(running->file_length + 1);
    if (reload->seen != NULL) {
        memcpy(reload->seen, running->file_text, running->file_length);
        reload->seen_length = running->file_length;
    }
    return 0;
}

void reload_close(struct reload *reload)
{
    if (reload->app != NULL) {
        config_watch_close(&reload->watch);
        remember(reload, NULL, 0);
    }
}

/* What the file says otherwise than at start, and cannot be followed. */
static void say_what_needs_a_restart(const struct reload *reload,
                                     const struct configuration *configuration)
{
    for (unsigned i = 0; i < OPTION_IDS; i++) {
        const char *before = reload->running->texts[i];
        const char *now = configuration->texts[i];
        bool same = before == now || (before != NULL && now != NULL && strcmp(before, now) == 0);
        if (!same && options[i].in_file && !configuration_is_reloadable((enum option_id)i)) {
            fprintf(stderr, "httpserver: %s: changed, but not applied: this needs a restart\n",
                    configuration_origin(configuration, (enum option_id)i));
        }
    }
}

static const char *reason_of(int result)
{
    return result == -EBUSY
               ? "too many rules were changed while requests of the ones before are being answered"
               : strerror(-result);
}

static int apply(struct reload *reload, struct configuration *configuration,
                 char error[CONFIGURATION_ERROR_BYTES])
{
    int result = app_replace_rules(reload->app, configuration->program);
    if (result != 0) {
        snprintf(error, CONFIGURATION_ERROR_BYTES, "%s: %s", reload->running->config_path,
                 reason_of(result));
        return result;
    }
    say_what_needs_a_restart(reload, configuration);
    return 0;
}

static void read_again(struct reload *reload)
{
    static char error[CONFIGURATION_ERROR_BYTES];
    struct configuration *configuration = NULL;
    int result = configuration_load_again(reload->running, &configuration, error);
    if (result == 0) {
        result = apply(reload, configuration, error);
        remember(reload, configuration->file_text, configuration->file_length);
        configuration->file_text = NULL;
    }
    configuration_free(configuration);
    meter_gauge_set(reload->last_succeeded, result == 0);
    meter_counter_inc(result == 0 ? reload->succeeded : reload->failed);
    if (result == 0) {
        fprintf(stderr, "httpserver: %s: read again\n", reload->running->config_path);
    } else {
        fprintf(stderr, "httpserver: %s; what was in force stays\n", error);
    }
}

void reload_asked(struct reload *reload)
{
    if (reload->running->config_path == NULL) {
        fprintf(stderr, "httpserver: SIGHUP: there is no --config file to be read again\n");
        return;
    }
    read_again(reload);
}

void reload_noticed(struct reload *reload)
{
    if (!config_watch_read(&reload->watch)) {
        return;
    }
    static char error[CONFIGURATION_ERROR_BYTES];
    char *text = NULL;
    size_t length = 0;
    if (config_file_fetch(reload->running->config_path, &text, &length, error) == 0) {
        bool same = reload->seen != NULL && length == reload->seen_length &&
                    memcmp(text, reload->seen, length) == 0;
        if (same) {
            free(text); /* one change is several events */
            return;
        }
        remember(reload, text, length);
    }
    read_again(reload);
}

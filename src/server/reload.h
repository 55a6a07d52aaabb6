/*
 * Reading the configuration again while the server runs: when SIGHUP asks for it, and when the file
 * is another. All of it is read before anything changes; what is wrong with it is a line on stderr,
 * and what was in force stays. The main thread.
 */
#pragma once

#include "app/app.h"
#include "server/config_watch.h"
#include "server/configuration.h"

struct reload {
    const struct configuration *running; /* as it was at start; not owned */
    struct app *app;                     /* not owned */
    struct config_watch watch;
    char *seen; /* owned: the file as it was read last; NULL: not at all */
    size_t seen_length;
    struct meter_counter *succeeded;
    struct meter_counter *failed;
    struct meter_gauge *last_succeeded;
};

/*
 * Registers the metrics and watches the file, if there is one; that it cannot is a warning on
 * stderr. Returns 0 or a negative errno with `error` filled; reload_close() in either case.
 */
WARN_UNUSED int reload_open(struct reload *reload, const struct configuration *running,
                            struct app *app, struct meter *meter, struct meter_error *error);
void reload_close(struct reload *reload); /* all zero is allowed */

/* SIGHUP came. */
void reload_asked(struct reload *reload);

/* The watch's descriptor is readable: reads the configuration when the file is another. */
void reload_noticed(struct reload *reload);

/*
 * Notices that the configuration file may be another: it was written and closed, another file was
 * moved to its place, or, as Kubernetes updates a mounted ConfigMap, the link `..data` beside it
 * was replaced (inotify(7) on the directory). Linux; the main thread.
 */
#pragma once

#include "base/compiler.h"

#include <limits.h>
#include <stdbool.h>

struct config_watch {
    int fd;                  /* owned; -1: nothing is watched; readable when something happened */
    char name[NAME_MAX + 1]; /* of the file in its directory */
    const char *path;        /* not owned */
};

/* Returns 0 or a negative errno, with nothing watched then. config_watch_close() in either case. */
WARN_UNUSED int config_watch_open(struct config_watch *watch, const char *path);
void config_watch_close(struct config_watch *watch);

/* Reads what happened; true when it may concern the file. Says so when watching has ended. */
bool config_watch_read(struct config_watch *watch);

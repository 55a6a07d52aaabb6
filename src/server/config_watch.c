#include "server/config_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAP_LINK "..data"

int config_watch_open(struct config_watch *watch, const char *path)
{
    *watch = (struct config_watch){.fd = -1, .path = path};
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t length = strlen(name);
    if (length >= sizeof watch->name) {
        return -ENAMETOOLONG;
    }
    memcpy(watch->name, name, length + 1);
    /* "a/b" is in "a/", "/b" in "/", "b" in ".". */
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash + 1 - path));
    if (directory == NULL) {
        return -ENOMEM;
    }
    int result = 0;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0 ||
        inotify_add_watch(watch->fd, directory,
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) < 0) {
        result = -errno;
        config_watch_close(watch);
    }
    free(directory);
    return result;
}

void config_watch_close(struct config_watch *watch)
{
    if (watch->fd >= 0) {
        close(watch->fd);
        watch->fd = -1;
    }
}

/* A file that was made now has nothing in it yet: it counts when it is closed; a link is whole. */
static bool is_whole(const struct config_watch *watch, const struct inotify_event *event)
{
    struct stat status;
    return (event->mask & IN_CREATE) == 0 || strcmp(event->name, CONFIG_MAP_LINK) == 0 ||
           (lstat(watch->path, &status) == 0 && S_ISLNK(status.st_mode));
}

static bool concerns(const struct config_watch *watch, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        return true;
    }
    return event->len > 0 &&
           (strcmp(event->name, watch->name) == 0 || strcmp(event->name, CONFIG_MAP_LINK) == 0) &&
           is_whole(watch, event);
}

bool config_watch_read(struct config_watch *watch)
{
    _Alignas(struct inotify_event) char events[4096];
    bool concerned = false;
    bool ended = false;
    ssize_t length;
    while ((length = read(watch->fd, events, sizeof events)) > 0) {
        for (char *at = events; at < events + length;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            concerned |= concerns(watch, event);
            ended |= (event->mask & IN_IGNORED) != 0;
            at += sizeof *event + event->len;
        }
    }
    if (ended) {
        fprintf(stderr,
                "httpserver: %s: its directory is gone: changes are seen no more, but SIGHUP has "
                "it read again\n",
                watch->path);
        config_watch_close(watch);
    }
    return concerned;
}

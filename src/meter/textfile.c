/* A page for node_exporter's textfile collector, which must never see half of it. */
#include "meter/family.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 16384
#define READABLE_BY_ALL 0644

static int write_all(int descriptor, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, data, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -errno;
        }
        data += written;
        length -= (size_t)written;
    }
    return 0;
}

static int write_page(struct meter *meter, int descriptor)
{
    struct meter_scrape *scrape = meter_scrape_begin(meter, METER_TEXT);
    char *piece = malloc(PIECE_BYTES);
    if (scrape == NULL || piece == NULL) {
        meter_scrape_end(scrape);
        free(piece);
        return -ENOMEM;
    }
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = meter_scrape_read(scrape, piece, PIECE_BYTES)) != 0) {
        result = length < 0 ? (int)length : write_all(descriptor, piece, (size_t)length);
    }
    meter_scrape_end(scrape);
    free(piece);
    return result;
}

/* Writes, syncs and renames; `temporary` is open as `descriptor`, which is closed here. */
static int fill_and_rename(struct meter *meter, int descriptor, const char *temporary,
                           const char *path, struct meter_error *error)
{
    int result = write_page(meter, descriptor);
    if (result == 0 && (fchmod(descriptor, READABLE_BY_ALL) != 0 || fsync(descriptor) != 0)) {
        result = -errno;
    }
    if (close(descriptor) != 0 && result == 0) {
        result = -errno;
    }
    if (result != 0) {
        return meter_fail(error, result, "writing %.120s: %s", temporary, strerror(-result));
    }
    if (rename(temporary, path) != 0) {
        result = -errno;
        return meter_fail(error, result, "renaming to %.120s: %s", path, strerror(-result));
    }
    return 0;
}

int meter_write_textfile(struct meter *meter, const char *path, struct meter_error *error)
{
    if (error != NULL) {
        *error = (struct meter_error){0};
    }
    if (meter == NULL || path == NULL) {
        return meter_fail(error, -EINVAL, "no registry or no path");
    }
    /* Not ending in .prom, so that the collector does not take it for a page. */
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return meter_fail(error, -ENAMETOOLONG, "the path is too long");
    }
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0) {
        int code = -errno;
        return meter_fail(error, code, "creating %.120s: %s", temporary, strerror(-code));
    }
    int result = fill_and_rename(meter, descriptor, temporary, path, error);
    if (result != 0) {
        (void)unlink(temporary);
    }
    return result;
}

#include "server/log_output.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int log_output_initialise(struct log_output *output, int fd)
{
    struct stat status;
    *output = (struct log_output){.fd = fd, .kind = LOG_OUTPUT_STREAM};
    if (fstat(fd, &status) == 0) { /* a closed descriptor fails at each write, and is counted */
        output->kind = S_ISREG(status.st_mode)    ? LOG_OUTPUT_FILE
                       : S_ISSOCK(status.st_mode) ? LOG_OUTPUT_SOCKET
                                                  : LOG_OUTPUT_STREAM;
    }
    output->batch = malloc(LOG_OUTPUT_BATCH_BYTES);
    return output->batch == NULL ? -ENOMEM : 0;
}

void log_output_release(struct log_output *output)
{
    free(output->batch);
    output->batch = NULL;
}

void log_output_count_lost(struct log_output *output, uint64_t lines)
{
    uint64_t lost = atomic_load_explicit(&output->lines_lost, memory_order_relaxed);
    atomic_store_explicit(&output->lines_lost, lost + lines, memory_order_relaxed);
}

static void begin_batch(struct log_output *output)
{
    output->length = 0;
    output->written = 0;
    output->repairs_line = output->inside_line;
    if (output->repairs_line) {
        output->batch[output->length++] = '\n';
    }
}

char *log_output_reserve(struct log_output *output, size_t bytes)
{
    ASSERT(bytes + 1 <= LOG_OUTPUT_BATCH_BYTES);
    if (output->length == 0) {
        begin_batch(output);
    }
    return LOG_OUTPUT_BATCH_BYTES - output->length >= bytes ? output->batch + output->length : NULL;
}

void log_output_commit(struct log_output *output, const char *end)
{
    ASSERT(end >= output->batch && end <= output->batch + LOG_OUTPUT_BATCH_BYTES);
    output->length = (size_t)(end - output->batch);
}

void log_output_discard(struct log_output *output)
{
    uint64_t lines = 0;
    const char *at = output->batch + output->written;
    const char *end = output->batch + output->length;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        lines++;
    }
    if (output->repairs_line && output->written == 0 && lines > 0) {
        lines--; /* that newline ends a line that was counted when it was cut */
    }
    output->length = 0;
    output->written = 0;
    log_output_count_lost(output, lines);
}

/* How much to write at once: all, or for a stream whole lines of at most PIPE_BUF bytes. */
static size_t next_chunk(const struct log_output *output)
{
    size_t rest = output->length - output->written;
    if (output->kind != LOG_OUTPUT_STREAM || rest <= PIPE_BUF) {
        return rest;
    }
    const char *start = output->batch + output->written;
    const char *newline = memrchr(start, '\n', PIPE_BUF);
    return newline == NULL ? PIPE_BUF : (size_t)(newline - start) + 1;
}

/* Bytes written, 0 when there is no room now, or a negative errno. */
static ssize_t write_chunk(const struct log_output *output, const char *data, size_t length)
{
    ssize_t written = 0;
    if (output->kind == LOG_OUTPUT_SOCKET) {
        written = send(output->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        struct pollfd ready = {.fd = output->fd, .events = POLLOUT};
        if (output->kind == LOG_OUTPUT_STREAM && poll(&ready, 1, 0) == 0) {
            return 0;
        }
        written = write(output->fd, data, length);
    }
    if (written >= 0) {
        return written;
    }
    return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

bool log_output_flush(struct log_output *output)
{
    while (output->written < output->length) {
        ssize_t written = write_chunk(output, output->batch + output->written, next_chunk(output));
        if (written == 0) {
            return false;
        }
        if (written < 0) {
            log_output_discard(output);
            return true;
        }
        output->written += (size_t)written;
        output->inside_line = output->batch[output->written - 1] != '\n';
    }
    output->length = 0;
    output->written = 0;
    return true;
}

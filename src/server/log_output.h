/*
 * Writes batches of whole lines to a descriptor that others may share, without waiting for its
 * reader: O_NONBLOCK is not set, because it would be set for everybody who shares the open file.
 * Regular files are written in one call; sockets without waiting (MSG_DONTWAIT); for pipes and
 * terminals poll(2) is asked first, and no more than PIPE_BUF bytes are written then, which a pipe
 * that has room takes at once and whole. Should another writer fill the pipe in between, write(2)
 * waits: the log thread does nothing else, so that only the log is late. One thread.
 */
#pragma once

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much as a batch holds: the more, the fewer system calls. */
#define LOG_OUTPUT_BATCH_BYTES ((size_t)128 * 1024)

enum log_output_kind {
    LOG_OUTPUT_FILE,
    LOG_OUTPUT_SOCKET,
    LOG_OUTPUT_STREAM, /* pipe, terminal, device */
};

struct log_output {
    int fd; /* not owned */
    enum log_output_kind kind;
    char *batch;   /* owned; whole lines, LOG_OUTPUT_BATCH_BYTES */
    size_t length; /* bytes in the batch */
    size_t written;
    bool inside_line;            /* what was written last did not end a line */
    bool repairs_line;           /* the batch begins with a newline that ends such a line */
    _Atomic uint64_t lines_lost; /* read by other threads */
};

int log_output_initialise(struct log_output *output, int fd) WARN_UNUSED;
void log_output_release(struct log_output *output);

/* Where the next line goes; at least `bytes` fit, or NULL: write the batch first. */
char *log_output_reserve(struct log_output *output, size_t bytes);

/* The line written there ends at `end`. */
void log_output_commit(struct log_output *output, const char *end);

/*
 * Writes what is in the batch. True when it is empty afterwards (written, or lost because writing
 * failed: those lines are counted); false when the output cannot take more now.
 */
bool log_output_flush(struct log_output *output);

/* Gives up what is in the batch and counts it as lost. */
void log_output_discard(struct log_output *output);

/* Lines lost outside the batch. */
void log_output_count_lost(struct log_output *output, uint64_t lines);

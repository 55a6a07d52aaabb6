/*
 * A worker: a thread with an engine, its share of the application and its log ring. Workers share
 * nothing that one of them writes while it serves, except rules' ordinals.
 */
#pragma once

#include "app/app.h"
#include "base/compiler.h"
#include "http/engine.h"
#include "server/log_ring.h"

#include <pthread.h>
#include <semaphore.h>

struct worker {
    struct engine engine;
    struct app_worker app;
    struct log_ring ring;
    bool logs;
    pthread_t thread;
    sem_t prepared;   /* posted by the thread when it has all that requests will need */
    int done_fd;      /* eventfd, not owned: written when the worker has ended */
    uint64_t cut_off; /* exchanges, known when it has ended */
};

/* `done_fd` gets one more for each worker that ends. Returns 0 or a negative errno. */
WARN_UNUSED int worker_init(struct worker *worker, struct app *app,
                            const struct engine_settings *settings, bool logs, int done_fd);

/* After worker_join, or when it was never started. */
void worker_destroy(struct worker *worker);

/*
 * Returns 0 or a negative errno. The thread runs with all signals blocked; when this returns, it
 * has allocated all that it will.
 */
WARN_UNUSED int worker_start(struct worker *worker);

/* Waits for the thread to end. */
void worker_join(struct worker *worker);

#include "server/worker.h"

#include "base/assert.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static enum access_client client_kind(uint8_t family)
{
    return family == AF_INET    ? ACCESS_CLIENT_IPV4
           : family == AF_INET6 ? ACCESS_CLIENT_IPV6
                                : ACCESS_CLIENT_UNIX;
}

static void log_exchange(struct worker *worker, const struct completion *completion)
{
    const struct exchange *exchange = completion->exchange;
    struct access_record record = {
        .completed_realtime_ns = completion->completed_realtime_ns,
        .delay_ns = exchange->delay_ns,
        .total_ns = completion->completed_ns - exchange->started_ns,
        .response_bytes = exchange->content_bytes,
        .port = exchange->client.port,
        .status = exchange->status,
        .route = exchange->route,
        .target_length = (uint16_t)exchange->target.length,
        .method_length = (uint8_t)exchange->method_name.length,
        .client = (uint8_t)client_kind(exchange->client.family),
        .version_minor = exchange->minor_version,
        .target_truncated = exchange->target_truncated,
    };
    memcpy(record.address, exchange->client.bytes, sizeof record.address);
    /* A full ring counts what it drops. */
    (void)log_ring_push(&worker->ring, &record, exchange->method_name.data, exchange->target.data);
}

static void begin(void *context, struct exchange *exchange, const struct request *request,
                  struct buffer *keep)
{
    struct worker *worker = context;
    app_begin(&worker->app, exchange, request, keep);
}

static void respond(void *context, struct exchange *exchange, struct response *response)
{
    struct worker *worker = context;
    app_respond(&worker->app, exchange, response);
}

static void complete(void *context, const struct completion *completion)
{
    struct worker *worker = context;
    app_complete(&worker->app, completion);
    if (worker->logs) {
        log_exchange(worker, completion);
    }
}

int worker_init(struct worker *worker, struct app *app, const struct engine_settings *settings,
                bool logs, int done_fd)
{
    *worker = (struct worker){.logs = logs, .done_fd = done_fd};
    int error = log_ring_initialise(&worker->ring, LOG_RING_DEFAULT_BYTES);
    if (error != 0) {
        return error;
    }
    error = app_worker_init(&worker->app, app, settings->max_connections);
    if (error != 0) {
        log_ring_release(&worker->ring);
        return error;
    }
    struct application application = {
        .context = worker,
        .begin = begin,
        .respond = respond,
        .complete = complete,
    };
    error = engine_init(&worker->engine, settings, &application);
    if (error != 0) {
        app_worker_destroy(&worker->app);
        log_ring_release(&worker->ring);
    }
    return error;
}

void worker_destroy(struct worker *worker)
{
    engine_destroy(&worker->engine);
    app_worker_destroy(&worker->app);
    log_ring_release(&worker->ring);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    /* Where it fails (no memory, no shard left), updates are slower, nothing worse. */
    (void)meter_thread_prepare(worker->app.app->settings.meter);
    sem_post(&worker->prepared);
    worker->cut_off = engine_run(&worker->engine);
    uint64_t one = 1;
    ssize_t written = write(worker->done_fd, &one, sizeof one);
    ASSERT(written == sizeof one);
    return NULL;
}

int worker_start(struct worker *worker)
{
    if (sem_init(&worker->prepared, 0, 0) != 0) {
        return -errno;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (error == 0 && sem_wait(&worker->prepared) != 0) {
        ASSERT(errno == EINTR);
    }
    sem_destroy(&worker->prepared);
    return -error;
}

void worker_join(struct worker *worker)
{
    int error = pthread_join(worker->thread, NULL);
    ASSERT(error == 0);
}

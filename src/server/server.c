#include "server/server.h"

#include "base/clock.h"
#include "base/reserve.h"
#include "server/command.h"
#include "server/drain.h"
#include "server/privileges.h"
#include "server/resources.h"
#include "server/service_manager.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of descriptors, for what is no connection: listeners, loops, the log, files that are read. */
#define DESCRIPTORS_ASIDE 64
#define DESCRIPTORS_PER_WORKER 8
#define DEFAULT_MAX_CONNECTIONS 262144
#define LOG_FLUSH_TIMEOUT_NS NS_PER_S

static void describe(char error[SERVER_ERROR_BYTES], const char *what, const char *value,
                     const char *reason)
{
    snprintf(error, SERVER_ERROR_BYTES, "%s: %s: %s", what, value, reason);
}

static int parse_networks(struct server *server, char error[SERVER_ERROR_BYTES])
{
    const struct text_list *list = &server->configuration->trust_forwarded;
    for (size_t i = 0; i < list->count; i++) {
        const char *reason = NULL;
        int result = network_parse(span_from_string(list->items[i]), &server->trusted[i], &reason);
        if (result != 0) {
            describe(error, configuration_origin(server->configuration, OPTION_TRUST_FORWARDED),
                     list->items[i], reason);
            return result;
        }
    }
    return 0;
}

static int read_admin_token(struct server *server, char error[SERVER_ERROR_BYTES])
{
    const struct configuration *configuration = server->configuration;
    if (strcmp(configuration->admin, "off") == 0) {
        return 0;
    }
    const char *reason = NULL;
    int result = admin_token_read(configuration->admin, server->admin_token, &reason);
    if (result != 0) {
        describe(error, configuration_origin(configuration, OPTION_ADMIN), configuration->admin,
                 reason);
    }
    return result;
}

static int open_application(struct server *server, char error[SERVER_ERROR_BYTES])
{
    const struct configuration *configuration = server->configuration;
    struct buffer seed = buffer_over(server->seed_text, sizeof server->seed_text - 1);
    buffer_append_seed(&seed, &configuration->seed);
    server->meter = meter_new(NULL);
    if (server->meter == NULL) {
        describe(error, "metrics", "registry", strerror(ENOMEM));
        return -ENOMEM;
    }
    struct app_settings settings = {
        .program = configuration->program,
        .max_delay_ns = configuration->max_delay_ns,
        .admin_token = server->admin_token[0] == '\0' ? NULL : server->admin_token,
        .seed_key = configuration->seed.key,
        .identity = {.version = configuration->version,
                     .build_version = program_version,
                     .seed = server->seed_text},
        .trusted = {.networks = server->trusted, .count = configuration->trust_forwarded.count},
        .request_faults = configuration->request_faults == REQUEST_FAULTS_ON,
        .wishes = {.max_delay_ns = configuration->max_delay_ns,
                   .max_size = configuration->max_size_bytes,
                   .max_burn_ns = configuration->max_burn_ns},
        .meter = server->meter,
    };
    struct meter_error meter_error = {0};
    int result = app_init(&server->app, &settings, &meter_error);
    if (result == 0) {
        result = server_metrics_register(&server->metrics, server->meter, &meter_error);
    }
    if (result != 0) {
        describe(error, "metrics", meter_error.text, strerror(-result));
    }
    return result;
}

static int open_reload(struct server *server, char error[SERVER_ERROR_BYTES])
{
    struct meter_error meter_error = {0};
    int result = reload_open(&server->reload, server->configuration, &server->app, server->meter,
                             &meter_error);
    if (result != 0) {
        describe(error, "metrics", meter_error.text, strerror(-result));
    }
    return result;
}

static unsigned choose_worker_count(const struct configuration *configuration)
{
    uint64_t count = configuration->workers != 0 ? configuration->workers : resources_processors();
    return count < APP_MAX_WORKERS ? (unsigned)count : APP_MAX_WORKERS;
}

static int choose_max_connections(const struct configuration *configuration, unsigned workers,
                                  uint32_t *ret_per_worker, char error[SERVER_ERROR_BYTES])
{
    uint64_t descriptors = resources_raise_descriptor_limit();
    uint64_t aside = DESCRIPTORS_ASIDE + (uint64_t)workers * DESCRIPTORS_PER_WORKER;
    uint64_t possible = descriptors > aside ? descriptors - aside : 0;
    uint64_t wanted = configuration->max_connections;
    if (possible < workers || wanted > possible) {
        char value[32];
        snprintf(value, sizeof value, "%llu", (unsigned long long)wanted);
        char reason[128];
        snprintf(reason, sizeof reason,
                 "the limit of %llu open descriptors leaves room for %llu connections",
                 (unsigned long long)descriptors, (unsigned long long)possible);
        describe(error, configuration_origin(configuration, OPTION_MAX_CONNECTIONS), value, reason);
        return -EINVAL;
    }
    if (wanted == 0) {
        wanted = possible < DEFAULT_MAX_CONNECTIONS ? possible : DEFAULT_MAX_CONNECTIONS;
    }
    *ret_per_worker = (uint32_t)((wanted + workers - 1) / workers);
    return 0;
}

static int open_workers(struct server *server, char error[SERVER_ERROR_BYTES])
{
    const struct configuration *configuration = server->configuration;
    unsigned count = choose_worker_count(configuration);
    struct engine_settings settings = {
        .max_head_bytes = configuration->max_head_bytes,
        .max_body_bytes = configuration->max_body_bytes,
        .max_held_bytes = configuration->max_held_memory_bytes / count,
        .idle_timeout_ns = configuration->idle_timeout_ns,
        .head_timeout_ns = configuration->head_timeout_ns,
        .body_timeout_ns = configuration->body_timeout_ns,
        .write_timeout_ns = configuration->write_timeout_ns,
        .busy_poll_ns = configuration->busy_poll_ns,
    };
    int result = choose_max_connections(configuration, count, &settings.max_connections, error);
    if (result != 0) {
        return result;
    }
    server->workers = reserve_memory(count * sizeof *server->workers);
    if (server->workers == NULL) {
        describe(error, "workers", "memory", strerror(ENOMEM));
        return -ENOMEM;
    }
    server->worker_capacity = count;
    server->metrics.workers = server->workers;
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = &server->workers[i];
        result = worker_init(worker, &server->app, &settings, configuration->log != LOG_OFF,
                             server->done_fd);
        if (result != 0) {
            describe(error, "workers", "memory or descriptors", strerror(-result));
            return result;
        }
        server->rings[i] = &worker->ring;
        server->worker_count++;
    }
    server->metrics.worker_count = server->worker_count;
    server->metrics.live = server->app.live;
    return 0;
}

static int give_up_privileges(const struct configuration *configuration,
                              char error[SERVER_ERROR_BYTES])
{
    if (configuration->user != NULL) {
        const char *origin = configuration_origin(configuration, OPTION_USER);
        struct privileges_user user;
        if (!privileges_parse_user(span_from_string(configuration->user), &user)) {
            describe(error, origin, configuration->user, "expected numeric UID:GID");
            return -EINVAL;
        }
        int result = privileges_become(user);
        if (result != 0) {
            describe(error, origin, configuration->user, strerror(-result));
            return result;
        }
    }
    if (configuration->seccomp == SECCOMP_AUTO) {
        int result = privileges_restrict_calls();
        if (result != 0) {
            fprintf(stderr, "httpserver: warning: no filter of system calls: %s\n",
                    strerror(-result));
        }
    }
    return 0;
}

static int open_log(struct server *server, char error[SERVER_ERROR_BYTES])
{
    if (server->configuration->log == LOG_OFF) {
        return 0;
    }
    struct access_log_settings settings = {
        .rings = server->rings,
        .ring_count = server->worker_count,
        .format = server->configuration->log,
        .fd = STDOUT_FILENO,
    };
    int result = access_log_start(&settings, &server->log);
    if (result != 0) {
        describe(error, "access log", "start", strerror(-result));
    }
    atomic_store(&server->metrics.log, server->log);
    return result;
}

static int start_workers(struct server *server, char error[SERVER_ERROR_BYTES])
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        int result = worker_start(&server->workers[i]);
        if (result != 0) {
            describe(error, "workers", "thread", strerror(-result));
            return result;
        }
        server->started++;
    }
    return 0;
}

int server_open(struct server *server, const struct configuration *configuration,
                char error[SERVER_ERROR_BYTES])
{
    *server = (struct server){.configuration = configuration, .done_fd = -1, .signal_fd = -1};
    resources_open_standard_descriptors();
    server->manager_fd = service_manager_open();
    if (server->manager_fd < 0 && server->manager_fd != -ENODATA) {
        fprintf(stderr, "httpserver: warning: NOTIFY_SOCKET: %s\n", strerror(-server->manager_fd));
    }
    server->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->done_fd < 0) {
        int result = -errno;
        describe(error, "workers", "eventfd", strerror(-result));
        return result;
    }
    server->signal_fd = drain_open_signals();
    if (server->signal_fd < 0) {
        describe(error, "signals", "signalfd", strerror(-server->signal_fd));
        return server->signal_fd;
    }
    int result = parse_networks(server, error);
    if (result == 0) {
        result = read_admin_token(server, error);
    }
    if (result == 0) {
        result = open_application(server, error);
    }
    if (result == 0) {
        result = open_workers(server, error);
    }
    if (result == 0) {
        result = addresses_open(&server->addresses, configuration, server->workers,
                                server->worker_count, error);
        server->app.settings.admin_everywhere = !addresses_have_admin(&server->addresses);
    }
    if (result == 0) {
        result = open_reload(server, error);
    }
    if (result == 0) {
        result = give_up_privileges(configuration, error);
    }
    if (result == 0) {
        result = open_log(server, error);
    }
    if (result == 0) {
        result = start_workers(server, error);
    }
    if (result != 0) {
        return result;
    }
    atomic_store(&server->app.ready, true); /* who reads the lines below may ask /readyz at once */
    addresses_announce(&server->addresses);
    service_manager_tell(server->manager_fd, SERVICE_READY);
    return 0;
}

static bool close_log(struct server *server)
{
    if (server->log == NULL) {
        return true;
    }
    atomic_store(&server->metrics.log, NULL);
    uint64_t dropped = 0;
    int result =
        access_log_stop(server->log, clock_monotonic_ns() + LOG_FLUSH_TIMEOUT_NS, &dropped);
    if (dropped > 0) {
        fprintf(stderr, "httpserver: %llu lines of the access log were lost\n",
                (unsigned long long)dropped);
    }
    return result == 0;
}

bool server_close(struct server *server)
{
    addresses_remove_files(&server->addresses);
    if (!close_log(server)) {
        return false;
    }
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_destroy(&server->workers[i]);
    }
    if (server->workers != NULL) {
        reserve_free(server->workers, server->worker_capacity * sizeof *server->workers);
    }
    reload_close(&server->reload);
    meter_free(server->meter);
    app_destroy(&server->app);
    if (server->done_fd >= 0) {
        close(server->done_fd);
    }
    if (server->signal_fd >= 0) {
        close(server->signal_fd);
    }
    if (server->manager_fd >= 0) {
        close(server->manager_fd);
    }
    return true;
}

#include "server/command_serve.h"

#include "server/command.h"
#include "server/drain.h"
#include "server/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The signals are waited for by the main thread. As process 1 of a container
 * a process without a handler would not get them at all.
 */
static void prepare_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    /* A peer or a reader of the log that goes away is an error of write(), not a reason to end. */
    signal(SIGPIPE, SIG_IGN);
}

int command_serve_run(const struct configuration *configuration)
{
    prepare_signals();
    static struct server server; /* large, and one a process */
    char error[SERVER_ERROR_BYTES] = "";
    int result = server_open(&server, configuration, error);
    if (result != 0) {
        fprintf(stderr, "httpserver: %s\n", error);
        drain_stop_workers(&server);
        if (!server_close(&server)) {
            _exit(EXIT_USAGE);
        }
        return EXIT_USAGE;
    }
    uint64_t cut_off = drain_wait_and_end(&server);
    if (cut_off > 0) {
        fprintf(stderr, "httpserver: %llu requests were cut off\n", (unsigned long long)cut_off);
    }
    int code = cut_off > 0 ? EXIT_CUT_OFF : EXIT_SUCCESS;
    if (!server_close(&server)) {
        _exit(code); /* the log's output is blocked: its thread still uses what would be freed */
    }
    return code;
}

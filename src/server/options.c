#include "server/options.h"

#include "base/assert.h"
#include "base/clock.h"
#include "server/command.h"
#include "server/config_rules.h"

#include <stdio.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define MILLISECOND ((uint64_t)NS_PER_MS)
#define HOUR ((uint64_t)NS_PER_S * 3600)
#define VALUE(member) .offset = offsetof(struct configuration, member)
#define EVERYWHERE true, true /* in the environment, in the file */

const struct option options[OPTION_IDS] = {
    {OPTION_LISTEN, EVERYWHERE, "listen", NULL, "ADDRESS,...", "0.0.0.0:8080", NULL,
     "Where to accept connections: 192.0.2.1:8080, [::]:8080, :8080, unix:/path. With port 0 the "
     "kernel chooses, and the real address is printed at start.",
     OPTION_KIND_LIST, COMMAND_SERVE | COMMAND_HEALTH, VALUE(listen)},
    {OPTION_ADMIN_LISTEN, EVERYWHERE, "admin-listen", NULL, "ADDRESS,...", NULL, "same as --listen",
     "A listener of its own for /metrics, /truth, /ui/, the probes and runtime changes.",
     OPTION_KIND_LIST, COMMAND_SERVE | COMMAND_HEALTH, VALUE(admin_listen)},
    {OPTION_REUSE_PORT, EVERYWHERE, "reuse-port", NULL, NULL, "false", NULL,
     "Lets another instance listen at the same address and share its connections; without it the "
     "second one fails with \"address in use\".",
     OPTION_KIND_BOOLEAN, COMMAND_SERVE, VALUE(reuse_port)},
    {OPTION_WORKERS, EVERYWHERE, "workers", NULL, "N", NULL,
     "cores by affinity and cgroup CPU quota", "Worker threads.", OPTION_KIND_COUNT, COMMAND_SERVE,
     VALUE(workers), 1, 256},
    {OPTION_MAX_CONNECTIONS, EVERYWHERE, "max-connections", NULL, "N", NULL,
     "by the descriptor limit",
     "Connections open at once, all workers together; the soft descriptor limit is raised to the "
     "hard one.",
     OPTION_KIND_COUNT, COMMAND_SERVE, VALUE(max_connections), 1, 16777216},
    {OPTION_MAX_HEAD, EVERYWHERE, "max-head", NULL, "SIZE", "16KiB", NULL,
     "The longest head of a request, request line and fields; beyond it the answer is 414 or 431.",
     OPTION_KIND_SIZE, COMMAND_SERVE, VALUE(max_head_bytes), 512, 60 * UINT64_C(1024)},
    {OPTION_MAX_BODY, EVERYWHERE, "max-body", NULL, "SIZE", "1MiB", NULL,
     "The longest body of a request; beyond it the answer is 413.", OPTION_KIND_SIZE, COMMAND_SERVE,
     VALUE(max_body_bytes), 0, INT64_MAX},
    {OPTION_MAX_HELD_MEMORY, EVERYWHERE, "max-held-memory", NULL, "SIZE", "64MiB", NULL,
     "Memory for waiting requests and unsent output, all workers together; beyond it the answer is "
     "503.",
     OPTION_KIND_SIZE, COMMAND_SERVE, VALUE(max_held_memory_bytes), MIB, UINT64_C(1) << 40},
    {OPTION_IDLE_TIMEOUT, EVERYWHERE, "idle-timeout", NULL, "DURATION", "75s", NULL,
     "How long a connection may be idle between requests.", OPTION_KIND_DURATION, COMMAND_SERVE,
     VALUE(idle_timeout_ns), MILLISECOND, 24 * HOUR},
    {OPTION_HEAD_TIMEOUT, EVERYWHERE, "head-timeout", NULL, "DURATION", "10s", NULL,
     "How long the head of a request may take from its first byte on; then the answer is 408.",
     OPTION_KIND_DURATION, COMMAND_SERVE, VALUE(head_timeout_ns), MILLISECOND, 24 * HOUR},
    {OPTION_BODY_TIMEOUT, EVERYWHERE, "body-timeout", NULL, "DURATION", "30s", NULL,
     "How long the body of a request may make no progress.", OPTION_KIND_DURATION, COMMAND_SERVE,
     VALUE(body_timeout_ns), MILLISECOND, 24 * HOUR},
    {OPTION_WRITE_TIMEOUT, EVERYWHERE, "write-timeout", NULL, "DURATION", "30s", NULL,
     "How long a client may take none of its answer.", OPTION_KIND_DURATION, COMMAND_SERVE,
     VALUE(write_timeout_ns), MILLISECOND, 24 * HOUR},
    {OPTION_BUSY_POLL, EVERYWHERE, "busy-poll", NULL, "DURATION", "0s", NULL,
     "How long before the end of a delay a worker stops sleeping and polls: the delay ends closer "
     "to its time, as nothing must wake the worker up then, at the cost of that much processor "
     "time.",
     OPTION_KIND_DURATION, COMMAND_SERVE, VALUE(busy_poll_ns), 0, 10 * MILLISECOND},
    {OPTION_DELAY, EVERYWHERE, "delay", "law", "LAW", "uniform(0s,2s)", NULL,
     "The law of the delay of /: none, const(200ms), uniform(0s,2s), normal(MEAN,SD), "
     "lognormal(P50,P99), exp(MEAN), pareto(MIN,ALPHA), mix(0.9:LAW,0.1:LAW) or file(PATH).",
     OPTION_KIND_LAW, COMMAND_SERVE | COMMAND_DRAW, VALUE(delay)},
    {OPTION_MAX_DELAY, EVERYWHERE, "max-delay", NULL, "DURATION", "60s", NULL,
     "No law may go beyond it: a bounded law that does is refused, one with tails is conditioned "
     "on it.",
     OPTION_KIND_DURATION, COMMAND_SERVE | COMMAND_DRAW, VALUE(max_delay_ns), 0,
     LAW_MAX_DELAY_LIMIT_NS},
    {OPTION_ERRORS, EVERYWHERE, "errors", NULL, "PROBABILITY[:CODE[:WEIGHT],...]", NULL, "never",
     "How often / is answered with an error, and which: 0.1 (500), 0.1:503, 0.1:500:1,503:3.",
     OPTION_KIND_ERRORS, COMMAND_SERVE, VALUE(errors)},
    {OPTION_ABORT, EVERYWHERE, "abort", NULL, "PROBABILITY[:PLACE]", NULL, "never",
     "How often the connection is reset in place of the answer to /, and where: before its first "
     "byte (before), in the middle of its head (head) or of its content (body).",
     OPTION_KIND_ABORT, COMMAND_SERVE, VALUE(abort)},
    {OPTION_DRIP, EVERYWHERE, "drip", NULL, "DURATION", "0s", NULL,
     "The time that the content of / is spread over.", OPTION_KIND_DURATION, COMMAND_SERVE,
     VALUE(drip_ns), 0, CONFIG_MAX_DRIP_NS},
    {OPTION_SIZE, EVERYWHERE, "size", NULL, "SIZE|LAW", NULL, "its own",
     "The size of the content of /: 4KiB, or a law of sizes such as uniform(1KiB,64KiB).",
     OPTION_KIND_SIZE_LAW, COMMAND_SERVE, VALUE(size)},
    {OPTION_BANDWIDTH, EVERYWHERE, "bandwidth", NULL, "SIZE", NULL, "no limit",
     "The most bytes a second that the content of / is sent at.", OPTION_KIND_SIZE, COMMAND_SERVE,
     VALUE(bytes_per_second), 1, INT64_MAX},
    {OPTION_BURN, EVERYWHERE, "burn", NULL, "DURATION", "0s", NULL,
     "CPU time that each request for / uses up before it is answered.", OPTION_KIND_DURATION,
     COMMAND_SERVE, VALUE(burn_ns), 0, CONFIG_MAX_BURN_NS},
    {OPTION_REQUEST_FAULTS, EVERYWHERE, "request-faults", NULL, "on|off", "on", NULL,
     "Whether a request may ask for a delay, a status and more itself, by parameters and x- "
     "fields; off: they are not looked at.",
     OPTION_KIND_CHOICE, COMMAND_SERVE, VALUE(request_faults)},
    {OPTION_MAX_SIZE, EVERYWHERE, "max-size", NULL, "SIZE", "16MiB", NULL,
     "The most content that a request may ask for; beyond it the answer is 400.", OPTION_KIND_SIZE,
     COMMAND_SERVE, VALUE(max_size_bytes), 0, UINT64_C(1) << 40},
    {OPTION_MAX_BURN, EVERYWHERE, "max-burn", NULL, "DURATION", "100ms", NULL,
     "The most processor time that a request may ask for; beyond it the answer is 400.",
     OPTION_KIND_DURATION, COMMAND_SERVE, VALUE(max_burn_ns), 0, HOUR / 60},
    {OPTION_SEED, EVERYWHERE, "seed", NULL, "N[@NAME]", NULL, "from the system's random numbers",
     "Seed of all draws: N gives the same draws everywhere; with N@NAME the name is mixed in, so "
     "that replicas differ.",
     OPTION_KIND_SEED, COMMAND_SERVE | COMMAND_DRAW, VALUE(seed)},
    {OPTION_LOG, EVERYWHERE, "log", NULL, "text|json|off", "text", NULL,
     "One access line for each request on standard output.", OPTION_KIND_CHOICE, COMMAND_SERVE,
     VALUE(log)},
    {OPTION_TRUST_FORWARDED, EVERYWHERE, "trust-forwarded", NULL, "CIDR,...", NULL, "none",
     "Networks whose x-forwarded-for or forwarded field names the client.", OPTION_KIND_LIST,
     COMMAND_SERVE, VALUE(trust_forwarded)},
    {OPTION_USER, EVERYWHERE, "user", NULL, "UID:GID", NULL, "none",
     "Numeric user and group to become when the addresses are bound.", OPTION_KIND_TEXT,
     COMMAND_SERVE, VALUE(user)},
    {OPTION_SECCOMP, EVERYWHERE, "seccomp", NULL, "auto|off", "auto", NULL,
     "Lets only the system calls of a serving process through, where the kernel can; others fail "
     "with EPERM.",
     OPTION_KIND_CHOICE, COMMAND_SERVE, VALUE(seccomp)},
    {OPTION_ADMIN, EVERYWHERE, "admin", NULL, "off|PATH", "off", NULL,
     "Runtime changes, for who has the token in the file PATH: POST /admin/delay.",
     OPTION_KIND_TEXT, COMMAND_SERVE, VALUE(admin)},
    {OPTION_DRAIN_DELAY, EVERYWHERE, "drain-delay", NULL, "DURATION", "0s", NULL,
     "How long to go on accepting after SIGTERM, with /readyz at 503, before draining.",
     OPTION_KIND_DURATION, COMMAND_SERVE, VALUE(drain_delay_ns), 0, HOUR},
    {OPTION_DRAIN_TIMEOUT, EVERYWHERE, "drain-timeout", NULL, "DURATION", "30s", NULL,
     "How long requests already received may take to be answered while draining.",
     OPTION_KIND_DURATION, COMMAND_SERVE, VALUE(drain_timeout_ns), 0, HOUR},
    {OPTION_CONFIG, true, false, "config", NULL, "PATH", NULL, "none",
     "A YAML file with any of these options by name, rules and a scenario; read again on SIGHUP "
     "and "
     "when it changes.",
     OPTION_KIND_TEXT, COMMAND_SERVE | COMMAND_DRAW | COMMAND_HEALTH, VALUE(config_path)},
    {OPTION_RULE, false, false, "rule", NULL, "NUMBER", "0", NULL,
     "The number of the rule that draws: 0 is that of the options, 1 the first of the file's "
     "rules.",
     OPTION_KIND_COUNT, COMMAND_DRAW, VALUE(draw_rule), 0, UINT32_MAX},
    {OPTION_COUNT, false, false, "count", NULL, "N", "10", NULL, "How many draws to print.",
     OPTION_KIND_COUNT, COMMAND_DRAW, VALUE(draw_count), 0, INT64_MAX},
    {OPTION_HEALTH_URL, false, false, "url", NULL, "URL", NULL, "the address listened on",
     "What to ask instead: http://HOST[:PORT][/PATH], where HOST is an address or a name, and PATH "
     "is /healthz unless given.",
     OPTION_KIND_TEXT, COMMAND_HEALTH, VALUE(health_url)},
    {OPTION_HEALTH_TIMEOUT, false, false, "timeout", NULL, "DURATION", "3s", NULL,
     "How long looking the name up, connecting and answering may take together.",
     OPTION_KIND_DURATION, COMMAND_HEALTH, VALUE(health_timeout_ns), MILLISECOND, HOUR},
    {OPTION_PROMETHEUS, true, false, "prometheus", NULL, "URL", "http://127.0.0.1:9090", NULL,
     "The Prometheus to ask: http://HOST:PORT, with a path where it is served under one.",
     OPTION_KIND_TEXT, COMMAND_VERIFY, VALUE(verify_prometheus)},
    {OPTION_TARGET, true, false, "target", NULL, "URL,...", NULL,
     "the targets that Prometheus scrapes",
     "The servers that there must be, at the addresses that Prometheus scrapes.", OPTION_KIND_LIST,
     COMMAND_VERIFY, VALUE(verify_targets)},
    {OPTION_WINDOW, true, false, "window", NULL, "DURATION", "5m", NULL,
     "The window of the queries that are compared: a multiple of 10s, up to 15m.",
     OPTION_KIND_DURATION, COMMAND_VERIFY, VALUE(verify_window_ns), 10 * (uint64_t)NS_PER_S,
     900 * (uint64_t)NS_PER_S},
    {OPTION_REQUIRE, true, false, "require", NULL, "PART,...", NULL, "nothing more",
     "What else must be there: rules, alertmanager.", OPTION_KIND_LIST, COMMAND_VERIFY,
     VALUE(verify_require)},
    {OPTION_FORMAT, true, false, "format", NULL, "text|json|html", "text", NULL,
     "How the verdict is written; html is one page that needs nothing else.", OPTION_KIND_CHOICE,
     COMMAND_VERIFY, VALUE(verify_format)},
};

const struct option *option_find(struct span name, bool aliases)
{
    for (size_t i = 0; i < OPTION_IDS; i++) {
        ASSERT(options[i].id == i);
        if (span_equals(name, span_from_string(options[i].name)) ||
            (aliases && options[i].alias != NULL &&
             span_equals(name, span_from_string(options[i].alias)))) {
            return &options[i];
        }
    }
    return NULL;
}

void option_variable_name(const struct option *option, char ret_name[OPTION_VARIABLE_MAX_BYTES])
{
    int length = snprintf(ret_name, OPTION_VARIABLE_MAX_BYTES, "HTTPSERVER_%s", option->name);
    ASSERT(length > 0 && length < OPTION_VARIABLE_MAX_BYTES);
    for (char *c = ret_name; *c != '\0'; c++) {
        if (*c == '-') {
            *c = '_';
        } else if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
}

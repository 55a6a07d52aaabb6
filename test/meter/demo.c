/*
 * A registry with a bit of everything, served to a real Prometheus or written to a file.
 *
 * usage: meter_demo page FORMAT            one page on stdout; FORMAT is 0, 1 or 2 (enum
 * meter_format) meter_demo textfile PATH meter_demo serve OBSERVATIONS     HTTP on a free port of
 * 127.0.0.1, printed first; answers every request with the page that Accept asks for meter_demo
 * negotiate ACCEPT       the number of the format
 */
#include "meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static struct meter_family *must(struct meter *meter, struct meter_description description)
{
    struct meter_error error;
    struct meter_family *family = meter_register(meter, &description, &error);
    if (family == NULL) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    return family;
}

static char of_histogram[] = "histogram";

static void collect(struct meter_sink *sink, void *context)
{
    const uint64_t counts[] = {1, 2, 3, 4};
    if (context == of_histogram) {
        (void)meter_emit_histogram(sink, METER_LABELS("a\"b\\c\nd"), counts, 7.5);
        return;
    }
    (void)meter_emit(sink, METER_LABELS("one"), 1);
    (void)meter_emit(sink, METER_LABELS("two"), 2.5);
    if (meter_emit(sink, METER_LABELS("two"), 3) != -EEXIST) {
        abort();
    }
}

/* Latencies whose quantiles are known: -ln(u) with u spread evenly over (0, 1). */
static void observe(struct meter_histogram *histogram, unsigned observations)
{
    for (unsigned i = 0; i < observations; i++) {
        double u = ((double)i + 0.5) / observations;
        meter_histogram_observe(histogram, -log(u) / 10);
    }
}

static void add_histograms(struct meter *meter, unsigned observations)
{
    observe(meter_histogram_get(must(meter, (struct meter_description){.type = METER_HISTOGRAM,
                                                                       .name = "native_seconds",
                                                                       .help = "Native.",
                                                                       .unit = "seconds",
                                                                       .native_growth = 1.1}),
                                NULL),
            observations);
    struct meter_histogram *classic =
        meter_histogram_get(must(meter, (struct meter_description){.type = METER_HISTOGRAM,
                                                                   .name = "classic_seconds",
                                                                   .help = "Classic.",
                                                                   .labels = METER_LABELS("route"),
                                                                   .exemplars = true,
                                                                   METER_BOUNDS(0.01, 0.1, 1)}),
                            METER_LABELS("/"));
    observe(classic, observations);
    meter_histogram_observe_trace(classic, 0.05, "0123456789abcdef0123456789abcdef",
                                  "0123456789abcdef");
    struct meter_histogram *negative =
        meter_histogram_get(must(meter, (struct meter_description){.type = METER_HISTOGRAM,
                                                                   .name = "negative",
                                                                   METER_BOUNDS(-1, 0, 1)}),
                            NULL);
    meter_histogram_observe(negative, -0.5);
    (void)must(meter, (struct meter_description){.type = METER_HISTOGRAM,
                                                 .name = "emitted_sizes",
                                                 .labels = METER_LABELS("l"),
                                                 .collect = collect,
                                                 .context = of_histogram,
                                                 METER_BOUNDS(1, 2, 3)});
}

static struct meter *make(unsigned observations)
{
    struct meter *meter = meter_new(&(struct meter_options){.created_timestamps = true});
    struct meter_family *requests =
        must(meter, (struct meter_description){.type = METER_COUNTER,
                                               .name = "requests_total",
                                               .help = "Requests \\ \"quoted\"\nand more.",
                                               .labels = METER_LABELS("path", "code"),
                                               .max_series = 2,
                                               .exemplars = true});
    const struct meter_label label = {{"trace_id", 8}, {"\"\\\n", 3}};
    meter_counter_add_exemplar(
        meter_counter_get(requests, METER_LABELS("/\xff\"} 1\nforged 1\n", "200")), 3, &label, 1);
    meter_counter_add_double(meter_counter_get(requests, METER_LABELS("/\\", "404")), 0.5);
    meter_counter_inc(meter_counter_get(requests, METER_LABELS("refused", "404")));
    meter_gauge_set(meter_new_gauge(meter, "temperature_celsius", "Temperature."), -1.5);
    add_histograms(meter, observations);
    struct meter_summary *summary =
        meter_summary_get(must(meter, (struct meter_description){.type = METER_SUMMARY,
                                                                 .name = "summary_seconds",
                                                                 .help = "Summary.",
                                                                 METER_QUANTILES(0.5, 0.9, 0.99)}),
                          NULL);
    for (int i = 1; i <= 1000; i++) {
        meter_summary_observe(summary, i);
    }
    (void)meter_info_set(must(meter, (struct meter_description){.type = METER_INFO,
                                                                .name = "build_info",
                                                                .help = "Build.",
                                                                .labels = METER_LABELS("version")}),
                         METER_LABELS("1.0"));
    struct meter_family *phases =
        must(meter, (struct meter_description){.type = METER_STATE_SET,
                                               .name = "phase",
                                               .help = "Phase.",
                                               .labels = METER_LABELS("part"),
                                               .states = METER_LABELS("starting", "ready")});
    (void)meter_state_set_to(meter_state_set_get(phases, METER_LABELS("all")), 1);
    (void)must(meter, (struct meter_description){.type = METER_GAUGE,
                                                 .name = "emitted",
                                                 .help = "From a callback.",
                                                 .labels = METER_LABELS("which"),
                                                 .collect = collect});
    (void)meter_register_process(meter, NULL);
    (void)meter_register_runtime(meter, NULL);
    return meter;
}

static void answer(struct meter *meter, int peer)
{
    char request[8192];
    size_t used = 0;
    ssize_t length;
    while ((length = read(peer, request + used, sizeof request - used - 1)) > 0) {
        used += (size_t)length;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) {
            break;
        }
    }
    char *accept = strcasestr(request, "\r\naccept:");
    if (accept != NULL) {
        accept += strlen("\r\naccept:");
        accept[strcspn(accept, "\r")] = '\0';
    }
    enum meter_format format = meter_negotiate(accept);
    size_t page_length;
    char *page = meter_render(meter, format, &page_length);
    dprintf(peer,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: %s\r\n"
            "content-length: %zu\r\n\r\n",
            meter_content_type(format), page_length);
    for (size_t sent = 0; sent < page_length;) {
        length = write(peer, page + sent, page_length - sent);
        if (length <= 0) {
            break;
        }
        sent += (size_t)length;
    }
    free(page);
    close(peer);
}

static int serve(struct meter *meter)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        return 1;
    }
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer >= 0) {
            answer(meter, peer);
        }
    }
}

int main(int count, char **arguments)
{
    if (count != 3) {
        return 2;
    }
    const char *argument = arguments[2];
    if (strcmp(arguments[1], "negotiate") == 0) {
        enum meter_format format = meter_negotiate(argument);
        printf("%u\n", (unsigned)format);
        return 0;
    }
    bool is_serving = strcmp(arguments[1], "serve") == 0;
    struct meter *meter = make(is_serving ? (unsigned)atoi(argument) : 100);
    if (is_serving) {
        return serve(meter);
    }
    if (strcmp(arguments[1], "textfile") == 0) {
        struct meter_error error;
        int result = meter_write_textfile(meter, argument, &error);
        fputs(result == 0 ? "" : error.text, stderr);
        meter_free(meter);
        return result == 0 ? 0 : 1;
    }
    size_t length;
    unsigned long format = strtoul(argument, NULL, 10);
    char *page = meter_render(meter, (enum meter_format)format, &length);
    fwrite(page, 1, length, stdout);
    free(page);
    meter_free(meter);
    return 0;
}

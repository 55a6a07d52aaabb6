/*
 * Everything at once: threads that write and die, more of them than there are shards, series that
 * are looked up, removed and made again, and scrapes in all formats; each page is checked for what
 * must hold under load, and at the end the counts must be exact.
 *
 * usage: meter_stress ROUNDS: prints "exact" and exits 0, or says what is wrong.
 */
#include "meter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CROWD 80 /* threads at once: more than METER_SHARDS */
#define UPDATES 300
#define MARKED ((UPDATES + 15) / 16) /* of them, by each thread */
#define MAX_SEEN 64

static struct meter *meter;
static struct meter_family *churned;
static struct meter_counter *counter;
static struct meter_gauge *gauge;
static struct meter_histogram *classic, *native, *both;
static struct meter_summary *summary;
static pthread_barrier_t all_alive; /* so that more threads than shards are there at once */
static int stop;

static _Noreturn void die(const char *what, double a, double b)
{
    fprintf(stderr, "%s: %.17g and %.17g\n", what, a, b);
    abort();
}

static void check(bool holds, const char *what, double a, double b)
{
    if (!holds) {
        die(what, a, b);
    }
}

/* ---- Writers ---- */

static void *write_some(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    for (int i = 0; i < UPDATES; i++) {
        meter_counter_inc(counter);
        meter_gauge_add(gauge, i % 2 == 0 ? 1 : -1);
        double value = (double)(rand_r(&seed) % 1000) / 100;
        meter_histogram_observe(classic, value);
        meter_histogram_observe(native, value - 1);
        meter_histogram_observe(both, value);
        if (i == UPDATES / 2) {
            pthread_barrier_wait(&all_alive);
        }
        if (i % 16 == 0) {
            meter_histogram_observe_trace(both, value, "0123456789abcdef0123456789abcdef",
                                          "0123456789abcdef");
            meter_summary_observe(summary, value);
        }
        char label[16];
        snprintf(label, sizeof label, "%u", rand_r(&seed) % 50);
        meter_enter();
        meter_counter_inc(meter_counter_lookup(churned, METER_LABELS(label)));
        meter_leave();
        if (i % 64 == 0) {
            struct meter_counter *held = meter_counter_get(churned, METER_LABELS(label));
            meter_counter_inc(held);
            meter_counter_release(held);
        }
    }
    return NULL;
}

static void *remove_some(void *argument)
{
    unsigned seed = 7;
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        char label[16];
        snprintf(label, sizeof label, "%u", rand_r(&seed) % 50);
        (void)meter_remove(churned, METER_LABELS(label));
        if (rand_r(&seed) % 100 == 0) {
            (void)meter_remove_all(churned);
        }
    }
    return NULL;
}

/* ---- What must hold in text ---- */

struct seen {
    double counter;
    double buckets[MAX_SEEN];
};

static void check_text(char *page, struct seen *seen)
{
    double before = 0, infinite = -1;
    unsigned bucket = 0;
    for (char *save, *line = strtok_r(page, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *space = strchr(line, ' ');
        double value = space == NULL ? 0 : strtod(space + 1, NULL);
        if (strncmp(line, "stress_total ", 13) == 0) {
            check(value >= seen->counter, "a counter went back", value, seen->counter);
            seen->counter = value;
        } else if (strncmp(line, "churned_total{", 14) == 0) {
            check(value <= 1e12, "a churned counter is beyond reason", value, 0);
        } else if (strstr(line, "_bucket{") != NULL) {
            check(value >= before, "a bucket is below the one before", value, before);
            check(value >= seen->buckets[bucket], "a bucket went back", value,
                  seen->buckets[bucket]);
            seen->buckets[bucket++] = value;
            bool last = strstr(line, "le=\"+Inf\"") != NULL;
            infinite = last ? value : -1;
            before = last ? 0 : value;
        } else if (strstr(line, "_seconds_count ") != NULL && infinite >= 0) {
            check(value == infinite, "_count is not the +Inf bucket", value, infinite);
            infinite = -1;
        }
    }
}

/* ---- What must hold in protobuf: a small reader ---- */

static uint64_t varint(const unsigned char **p)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static int64_t zigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static uint64_t sum_of_deltas(const unsigned char *p, const unsigned char *end)
{
    int64_t count = 0, sum = 0;
    while (p < end) {
        count += zigzag(varint(&p));
        check(count >= 0, "a native bucket is negative", (double)count, 0);
        sum += count;
    }
    return (uint64_t)sum;
}

static uint64_t first_varint(const unsigned char *p)
{
    p++;
    return varint(&p);
}

static void check_histogram(const unsigned char *p, const unsigned char *end)
{
    uint64_t count = 0, native_sum = 0, cumulative = 0;
    bool is_native = false;
    while (p < end) {
        uint64_t tag = varint(&p);
        uint64_t value = 0;
        const unsigned char *data = p;
        if ((tag & 7) == 1) {
            p += 8;
            continue;
        }
        value = varint(&p);
        if ((tag & 7) == 2) {
            data = p;
            p += value;
        }
        switch (tag >> 3) {
        case 1:
            count = value;
            break;
        case 3:
            value = first_varint(data);
            check(value >= cumulative, "protobuf: a bucket is below the one before", (double)value,
                  (double)cumulative);
            cumulative = value;
            break;
        case 7:
            native_sum += value;
            break;
        case 10:
        case 13:
            native_sum += sum_of_deltas(data, p);
            break;
        case 5:
            is_native = true;
            break;
        default:
            break;
        }
    }
    check(cumulative <= count, "protobuf: a bucket is above the count", (double)cumulative,
          (double)count);
    check(!is_native || native_sum == count, "native buckets do not add up", (double)native_sum,
          (double)count);
}

/* Walks the messages down to the histograms: field 4 of a family, field 7 of a metric. */
static void check_message(const unsigned char *p, const unsigned char *end, unsigned depth)
{
    while (p < end) {
        uint64_t tag = varint(&p);
        if ((tag & 7) == 1) {
            p += 8;
            continue;
        }
        uint64_t value = varint(&p);
        if ((tag & 7) != 2) {
            continue;
        }
        check(value <= (uint64_t)(end - p), "protobuf: a length beyond the end", (double)value, 0);
        if (depth == 0 && tag >> 3 == 4) {
            check_message(p, p + value, 1);
        } else if (depth == 1 && tag >> 3 == 7) {
            check_histogram(p, p + value);
        }
        p += value;
    }
}

static void check_protobuf(const char *page, size_t length)
{
    const unsigned char *p = (const unsigned char *)page, *end = p + length;
    while (p < end) {
        uint64_t bytes = varint(&p);
        check(bytes <= (uint64_t)(end - p), "protobuf: a message beyond the end", (double)bytes, 0);
        check_message(p, p + bytes, 0);
        p += bytes;
    }
}

static void *scrape(void *argument)
{
    enum meter_format format = (enum meter_format)(uintptr_t)argument;
    struct seen seen = {0};
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        size_t length;
        char *page = meter_render(meter, format, &length);
        check(page != NULL, "no page", 0, 0);
        if (format == METER_PROTOBUF) {
            check_protobuf(page, length);
        } else {
            check_text(page, &seen);
        }
        free(page);
    }
    return NULL;
}

/* ---- The whole ---- */

static struct meter_family *family_of(struct meter_description description)
{
    struct meter_error error;
    struct meter_family *family = meter_register(meter, &description, &error);
    if (family == NULL) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return family;
}

static void set_up(void)
{
    meter = meter_new(&(struct meter_options){.created_timestamps = true});
    counter = meter_new_counter(meter, "stress_total", "Increments.");
    gauge = meter_new_gauge(meter, "level", "Ups and downs.");
    churned = family_of((struct meter_description){
        .type = METER_COUNTER, .name = "churned_total", .labels = METER_LABELS("label")});
    classic = meter_histogram_get(
        family_of((struct meter_description){
            .type = METER_HISTOGRAM, .name = "classic_seconds", METER_BOUNDS(0.5, 1, 2, 4, 8)}),
        NULL);
    native = meter_histogram_get(family_of((struct meter_description){.type = METER_HISTOGRAM,
                                                                      .name = "native_seconds",
                                                                      .native_growth = 1.01,
                                                                      .native_max_buckets = 40}),
                                 NULL);
    both =
        meter_histogram_get(family_of((struct meter_description){.type = METER_HISTOGRAM,
                                                                 .name = "both_seconds",
                                                                 .native_growth = 1.1,
                                                                 .native_max_buckets = 10,
                                                                 .native_max_zero_threshold = 0.5,
                                                                 .exemplars = true,
                                                                 METER_BOUNDS(0.5, 1, 2, 4, 8)}),
                            NULL);
    summary = meter_summary_get(family_of((struct meter_description){.type = METER_SUMMARY,
                                                                     .name = "summary_seconds",
                                                                     METER_QUANTILES(0.5, 0.99)}),
                                NULL);
}

static double read_value(const char *page, const char *name)
{
    const char *line = strstr(page, name);
    check(line != NULL, name, 0, 0);
    return strtod(line + strlen(name), NULL);
}

static void check_exact(double threads)
{
    const unsigned marked_each = MARKED;
    double updates = threads * UPDATES, marked = threads * marked_each;
    size_t length;
    char *page = meter_render(meter, METER_TEXT, &length);
    const struct {
        const char *name;
        double expected;
    } wanted[] = {
        {"\nstress_total ", updates},
        {"\nlevel ", 0},
        {"\nclassic_seconds_count ", updates},
        {"\nnative_seconds_count ", updates},
        {"\nboth_seconds_count ", updates + marked},
        {"both_seconds_bucket{le=\"+Inf\"} ", updates + marked},
        {"\nsummary_seconds_count ", marked},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        double value = read_value(page, wanted[i].name);
        check(value == wanted[i].expected, wanted[i].name, value, wanted[i].expected);
    }
    free(page);
}

int main(int argument_count, char **arguments)
{
    int rounds = argument_count > 1 ? atoi(arguments[1]) : 10;
    pthread_t crowd[CROWD], scrapers[3], remover;
    set_up();
    pthread_barrier_init(&all_alive, NULL, CROWD);
    for (uintptr_t i = 0; i < 3; i++) {
        pthread_create(&scrapers[i], NULL, scrape, (void *)i);
    }
    pthread_create(&remover, NULL, remove_some, NULL);
    for (int round = 0; round < rounds; round++) {
        for (uintptr_t i = 0; i < CROWD; i++) {
            check(pthread_create(&crowd[i], NULL, write_some, (void *)(i + 1)) == 0, "no thread", 0,
                  0);
        }
        for (int i = 0; i < CROWD; i++) {
            pthread_join(crowd[i], NULL);
        }
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++) {
        pthread_join(scrapers[i], NULL);
    }
    pthread_join(remover, NULL);
    check_exact((double)rounds * CROWD);
    meter_free(meter);
    puts("exact");
    return 0;
}

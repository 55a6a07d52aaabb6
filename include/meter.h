/*
 * libmeter: Prometheus metrics for C programs.
 *
 *     struct meter *meter = meter_new(NULL);
 *     struct meter_family *requests = meter_register(meter, &(struct meter_description){
 *         .type = METER_COUNTER,
 *         .name = "requests_total",
 *         .help = "Requests answered.",
 *         .labels = METER_LABELS("method", "code"),
 *     }, NULL);
 *     struct meter_counter *ok = meter_counter_get(requests, METER_LABELS("GET", "200"));
 *     ...
 *     meter_counter_inc(ok);                                     (hot: about a nanosecond)
 *     ...
 *     char *page = meter_render(meter, METER_TEXT, &length);     (once per scrape)
 *
 * A registry (`struct meter`) holds families, a family (`struct meter_family`) holds series, and a
 * handle (`struct meter_counter`, `struct meter_gauge`, ...) is one series. Get handles once, keep
 * them, and update through them.
 *
 * Threads. Every function may be called by any thread at any time, unless it says otherwise. The
 * update functions (inc, add, set, observe) take no lock, allocate nothing, and use no atomic
 * read-modify-write instruction: each thread owns a shard of cells that only it writes, and a
 * scrape sums the shards. What is rare may lock: a new bucket of a native histogram, a new part of
 * a summary's window, a gauge that is set and added to in turn. A thread gets its shard at its
 * first update and gives it back when it ends; the next thread goes on where it stopped, so nothing
 * is lost. METER_SHARDS - 1 threads own a shard at one time; those beyond share the last one
 * through atomic instructions: slower, just as right. The first update of a thread may allocate its
 * cells; meter_thread_prepare() does so beforehand. When memory is refused it uses the shared
 * shard: nothing is lost. A signal handler is no thread of its own: what it counted between an
 * update's load and store would be lost, so it must not call libmeter.
 *
 * NULL. Every function that takes a handle, a family or a registry accepts NULL and then does
 * nothing (functions that return a pointer return NULL). So a program need not check handles: what
 * could not be created is not counted, and says so where it was created.
 *
 * Errors. Functions that return int return 0 or a negative errno value. Functions that return a
 * pointer return NULL and set errno. Those with a `struct meter_error *` (may be NULL) also explain
 * in words.
 *
 * Text. Names and help are NUL-terminated UTF-8. Label values may hold any bytes: they are escaped
 * on output, and what is not UTF-8 (and the byte NUL, at which scrapers stop reading) becomes
 * U+FFFD when the series is looked up, so it can neither break nor forge a line.
 *
 * Memory. Nothing is global but the index of the thread's shard. Label values and descriptions are
 * copied. meter_free() frees a registry with everything in it.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

#if defined(__GNUC__)
#define METER_API __attribute__((visibility("default")))
#define METER_MUST_CHECK __attribute__((warn_unused_result))
#else
#define METER_API
#define METER_MUST_CHECK
#endif

/* Shards of cells; the last one is shared by the threads that found no free one. */
#define METER_SHARDS 64

struct meter;         /* a registry */
struct meter_family;  /* all series of one name; lives as long as its registry */
struct meter_counter; /* handles: one series each */
struct meter_gauge;
struct meter_histogram;
struct meter_summary;
struct meter_state_set;
struct meter_scrape; /* one scrape in progress */
struct meter_sink;   /* where a callback puts its samples */

/* Bytes with a length, for text that has no NUL at its end or one inside. */
struct meter_text {
    const char *data; /* not owned */
    size_t length;    /* bytes */
};

struct meter_label {
    struct meter_text name;
    struct meter_text value;
};

struct meter_error {
    int code;       /* negative errno; 0 for none */
    char text[240]; /* what is wrong and with which name, NUL-terminated */
};

/* A NULL-terminated list of strings: label names, label values (in the order of the names). In C++
 * it lives until the end of the expression that it is in, so it is for arguments: a description's
 * lists are arrays of the program's own there. */
#ifdef __cplusplus
#define METER_LABELS(...) (std::initializer_list<const char *>{__VA_ARGS__, nullptr}.begin())
#else
#define METER_LABELS(...)                                                                          \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#endif

/* ---- Registry ---- */

struct meter_options {
    /* Say since when each counter, histogram and summary counts (OpenMetrics `_created`, protobuf
     * created_timestamp). Off: it adds a line for each series, which old scrapers take for a
     * series of its own. */
    bool created_timestamps;
    /* How much of a protobuf message is put together in memory at a time, and how much one callback
     * may produce; 0 means 256 KiB. A family that needs more is sent as several messages of the
     * same name; what a callback produces beyond it is dropped and counted: see meter_emit. */
    size_t max_staged_bytes;
};

/* A new registry, empty; `options` may be NULL. NULL with errno ENOMEM. */
METER_API struct meter *meter_new(const struct meter_options *options);

/* Frees the registry, its families and all handles. No other thread may be using any of them, and
 * every scrape must have ended. */
METER_API void meter_free(struct meter *meter);

/* ---- Families ---- */

enum meter_type {
    METER_COUNTER,   /* only goes up; the name must end in `_total` */
    METER_GAUGE,     /* goes up and down */
    METER_HISTOGRAM, /* counts observations in buckets: classic, native or both */
    METER_SUMMARY,   /* quantiles of the observations of the last minutes */
    METER_INFO,      /* says things in its labels, value 1; the name must end in `_info` */
    METER_STATE_SET, /* one of several states holds (or several do) */
};

/* A callback produces the samples of its family while a scrape is running: see meter_emit. It is
 * called without any lock held, by the thread that scrapes; two scrapes may call it at once. */
typedef void meter_collect_function(struct meter_sink *sink, void *context);

/* What a family is. Zero is a good default for everything but type and name. */
struct meter_description {
    enum meter_type type;
    const char *name; /* [a-zA-Z_:][a-zA-Z0-9_:]*, see also `type` */
    const char *help; /* one sentence; NULL for none */
    const char *unit; /* e.g. "seconds": must then be the suffix of the name; NULL for none */
    /* Label names, NULL-terminated: METER_LABELS("method", "code"); NULL for none.
     * [a-zA-Z_][a-zA-Z0-9_]*, not beginning with `__`; `le` and `quantile` are taken by histograms
     * and summaries. At most METER_MAX_LABELS. */
    const char *const *labels;
    /* At most so many series; 0 means no limit. What was refused beyond it is counted, and
     * exported as meter_series_refused_total{family}. */
    uint32_t max_series;
    /* Series that nobody holds (see meter_counter_lookup) and that did not change for so long are
     * removed at the next scrape or meter_expire(); 0 means never. */
    int64_t idle_ns;
    /* Keep exemplars (counters and histograms). Costs 0.6 KiB for each bucket of each series. */
    bool exemplars;

    /* Histograms. Upper bounds of the classic buckets, increasing; the +Inf bucket is implied.
     * METER_BOUNDS(0.1, 1, 10) fills both fields. Without bounds and without native_growth, a
     * histogram gets the default bounds .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10. */
    const double *bounds;
    size_t bound_count;
    /* Native (sparse, exponential) buckets when above 1: each is at most so many times as wide as
     * the one before; 1.1 is a good choice. The widths that exist are 2^(2^-n), n = -4..8. Native
     * buckets reach Prometheus only in the protobuf format. A Prometheus that takes native
     * histograms and is offered both keeps the native one and drops the `_bucket` series. */
    double native_growth;
    /* |v| at or below it counts as zero; 0 means 2^-128, negative means exactly zero. */
    double native_zero_threshold;
    /* At most so many native buckets; 0 means 160. Beyond it, in this order: the histogram is reset
     * if native_min_reset_ns (0: never) have passed since its last reset; else its zero bucket is
     * widened, up to native_max_zero_threshold; else its resolution is halved. */
    uint32_t native_max_buckets;
    int64_t native_min_reset_ns;
    double native_max_zero_threshold;
    /* With both kinds of buckets: leave the classic ones out of the protobuf format. */
    bool native_alone_in_protobuf;

    /* Summaries: METER_QUANTILES(0.5, 0.99) fills the first two; without any, only sum and count.
     * Each quantile is within 2.2 % of the true one (one part in 45) of the observations of the
     * last window_ns (0: ten minutes), as long as their magnitudes lie within a factor of 2^27,
     * both signs together; the error is twice that up to 2^55, and so on. */
    const double *quantiles;
    size_t quantile_count;
    int64_t window_ns;

    /* State sets: the names of the states, NULL-terminated, at most 64. */
    const char *const *states;

    /* For counters, gauges, histograms and info: the samples come from this callback at each
     * scrape; the family then has no handles. */
    meter_collect_function *collect;
    void *context; /* handed to the callback; not owned */
};

#define METER_MAX_LABELS 32
#define METER_BOUNDS(...)                                                                          \
    .bounds = (const double[]){__VA_ARGS__},                                                       \
    .bound_count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)
#define METER_QUANTILES(...)                                                                       \
    .quantiles = (const double[]){__VA_ARGS__},                                                    \
    .quantile_count = sizeof((const double[]){__VA_ARGS__}) / sizeof(double)

/* Makes a family. The description is copied. NULL with errno and *error: EINVAL for a description
 * that cannot be, EEXIST for a name that another family has or would show (a counter `x_total`
 * and a gauge `x` clash in OpenMetrics), ENOMEM. */
METER_API struct meter_family *meter_register(struct meter *meter,
                                              const struct meter_description *description,
                                              struct meter_error *error);

/* ---- Handles ----
 *
 * `values` are the label values in the order of the label names, NULL-terminated: METER_LABELS(
 * "GET", "200"), or NULL for a family without labels. The series is created when it does not exist.
 * NULL with errno: EINVAL (family of another type, wrong number of values), ENOSPC (max_series; the
 * refusal was counted), ENOMEM.
 *
 * ..._get: a handle to keep. It stays valid until it is released or the registry is freed; its
 * series does not expire. After the series was removed updates through it are harmless and unseen.
 *
 * ..._lookup: a handle for now, found without a lock (about 20 ns) when the series exists. It is
 * valid for as long as the series is neither removed nor expired; in programs that do one of that,
 * use it between meter_enter() and meter_leave(), within which it stays valid in any case.
 *
 * The ..._text forms take values with lengths; `count` must be the number of label names.
 */
METER_API struct meter_counter *meter_counter_get(struct meter_family *family,
                                                  const char *const *values);
METER_API struct meter_gauge *meter_gauge_get(struct meter_family *family,
                                              const char *const *values);
METER_API struct meter_histogram *meter_histogram_get(struct meter_family *family,
                                                      const char *const *values);
METER_API struct meter_summary *meter_summary_get(struct meter_family *family,
                                                  const char *const *values);
METER_API struct meter_state_set *meter_state_set_get(struct meter_family *family,
                                                      const char *const *values);

METER_API struct meter_counter *
meter_counter_get_text(struct meter_family *family, const struct meter_text *values, size_t count);
METER_API struct meter_gauge *meter_gauge_get_text(struct meter_family *family,
                                                   const struct meter_text *values, size_t count);
METER_API struct meter_histogram *meter_histogram_get_text(struct meter_family *family,
                                                           const struct meter_text *values,
                                                           size_t count);

METER_API struct meter_counter *meter_counter_lookup(struct meter_family *family,
                                                     const char *const *values);
METER_API struct meter_gauge *meter_gauge_lookup(struct meter_family *family,
                                                 const char *const *values);
METER_API struct meter_histogram *meter_histogram_lookup(struct meter_family *family,
                                                         const char *const *values);
METER_API struct meter_summary *meter_summary_lookup(struct meter_family *family,
                                                     const char *const *values);

METER_API struct meter_counter *meter_counter_lookup_text(struct meter_family *family,
                                                          const struct meter_text *values,
                                                          size_t count);
METER_API struct meter_gauge *
meter_gauge_lookup_text(struct meter_family *family, const struct meter_text *values, size_t count);
METER_API struct meter_histogram *meter_histogram_lookup_text(struct meter_family *family,
                                                              const struct meter_text *values,
                                                              size_t count);

/* Gives a handle from ..._get back: one call for each ..._get. It must not be used afterwards. */
METER_API void meter_counter_release(struct meter_counter *counter);
METER_API void meter_gauge_release(struct meter_gauge *gauge);
METER_API void meter_histogram_release(struct meter_histogram *histogram);
METER_API void meter_summary_release(struct meter_summary *summary);
METER_API void meter_state_set_release(struct meter_state_set *state_set);

/* Around the use of handles from ..._lookup where series are removed or expire. They nest. A thread
 * that stays inside keeps the memory of removed series from being used again, nothing worse. */
METER_API void meter_enter(void);
METER_API void meter_leave(void);

/* For a thread that is about to update many series: takes its shard and allocates its cells of
 * every series that exists now, so that no update allocates. Handles that the thread gets later
 * come with their cells. 0, or -ENOMEM (updates then use the shared shard), or -EAGAIN (all shards
 * are taken: this thread uses the shared one). */
METER_API int meter_thread_prepare(struct meter *meter);

/* Shortcuts: a family without labels and its only handle. NULL and errno as meter_register. */
METER_API struct meter_counter *meter_new_counter(struct meter *meter, const char *name,
                                                  const char *help);
METER_API struct meter_gauge *meter_new_gauge(struct meter *meter, const char *name,
                                              const char *help);

/* ---- Counters ---- */

static inline void meter_counter_inc(struct meter_counter *counter);
static inline void meter_counter_add(struct meter_counter *counter, uint64_t amount);
/* Fractions. What is negative or NaN is ignored. */
METER_API void meter_counter_add_double(struct meter_counter *counter, double amount);
/* Adds `amount` and keeps the labels as the counter's exemplar: see Exemplars. */
METER_API void meter_counter_add_exemplar(struct meter_counter *counter, uint64_t amount,
                                          const struct meter_label *labels, size_t label_count);
/* The sum over all shards now. */
METER_API double meter_counter_value(const struct meter_counter *counter);

/* ---- Gauges ----
 *
 * Either set or add is fast; a set that follows an add, or an add that follows a set, takes a lock.
 */
METER_API void meter_gauge_set(struct meter_gauge *gauge, double value);
METER_API void meter_gauge_add(struct meter_gauge *gauge, double amount); /* may be negative */
METER_API void meter_gauge_inc(struct meter_gauge *gauge);
METER_API void meter_gauge_dec(struct meter_gauge *gauge);
METER_API void meter_gauge_set_to_now(struct meter_gauge *gauge); /* seconds since 1970 */
METER_API double meter_gauge_value(const struct meter_gauge *gauge);

/* ---- Histograms ----
 *
 * A value counts in the first bucket with value <= bound. NaN counts in the +Inf bucket only (and
 * makes the sum NaN); native buckets count it in no bucket. Negative values are legal; the sum may
 * then go down. `_count` is derived from the buckets, so the two always agree; the sum may lag by
 * the observations that are just being made.
 */
METER_API void meter_histogram_observe(struct meter_histogram *histogram, double value);
/* Nanoseconds, observed as seconds: exactly meter_histogram_observe(histogram, ns / 1e9). */
METER_API void meter_histogram_observe_ns(struct meter_histogram *histogram, int64_t ns);

/* ---- Exemplars ----
 *
 * An exemplar ties a bucket (or a counter) to one event, by labels: trace_id and span_id, or
 * others. The newest is kept for each bucket, shown in OpenMetrics and protobuf. The family must
 * have `.exemplars = true`; else, or when the names and values have more than 128 code points
 * (OpenMetrics 1.0, section "Exemplars") or a name is invalid or there twice, or a value is not
 * UTF-8, or another thread is just writing one into the same series, the value is counted and the
 * exemplar dropped.
 */
METER_API void meter_histogram_observe_exemplar(struct meter_histogram *histogram, double value,
                                                const struct meter_label *labels,
                                                size_t label_count);
/* As W3C traceparent has them: 32 and 16 hexadecimal digits, no NUL needed. NULL for none. */
METER_API void meter_histogram_observe_trace(struct meter_histogram *histogram, double value,
                                             const char *trace_id, const char *span_id);

/* ---- Summaries ---- */

METER_API void meter_summary_observe(struct meter_summary *summary, double value);

/* ---- Info and state sets ---- */

/* Makes the series with these label values exist, with value 1. */
METER_API int meter_info_set(struct meter_family *family, const char *const *values);

/* Exactly the state of this index (in the description's list) holds; -EINVAL beyond the list. */
METER_API int meter_state_set_to(struct meter_state_set *state_set, unsigned state);
/* Turns one state on or off and leaves the others as they are. */
METER_API int meter_state_set_enable(struct meter_state_set *state_set, unsigned state, bool on);

/* ---- Removing series ---- */

/* Removes one series, all series, or all idle ones (see idle_ns). What is removed is not in later
 * scrapes; created again, it starts at zero. Return the number removed, or -EINVAL. */
METER_API int meter_remove(struct meter_family *family, const char *const *values);
METER_API int meter_remove_all(struct meter_family *family);
METER_API int meter_expire(struct meter *meter);

/* Series that exist now, and series that max_series refused so far. */
METER_API size_t meter_series_count(struct meter_family *family);
METER_API uint64_t meter_series_refused(struct meter_family *family);

/* ---- Callbacks ---- */

/* From inside a meter_collect_function: one sample of the family. The label values are copied. A
 * second sample with the same values, or what no longer fits into max_staged_bytes, is dropped and
 * -EEXIST or -ENOSPC returned; -EINVAL for a wrong number of values or another type of family. What
 * did not fit is counted, and exported as meter_samples_dropped_total{family} from the first on. */
METER_API int meter_emit(struct meter_sink *sink, const char *const *values, double value);
METER_API int meter_emit_text(struct meter_sink *sink, const struct meter_text *values,
                              size_t count, double value);
/* A histogram with the family's bounds: `counts` has bound_count + 1 entries, not cumulative, the
 * last one for +Inf. */
METER_API int meter_emit_histogram(struct meter_sink *sink, const char *const *values,
                                   const uint64_t *counts, double sum);
/* How many samples of the family's callback did not fit so far, over all scrapes. */
METER_API uint64_t meter_samples_dropped(struct meter_family *family);

/* ---- The process ---- */

/* Registers process_cpu_seconds_total, process_max_fds, process_open_fds,
 * process_resident_memory_bytes, process_start_time_seconds, process_virtual_memory_bytes and
 * process_virtual_memory_max_bytes. Linux only: from /proc/self and getrlimit. */
METER_API int meter_register_process(struct meter *meter, struct meter_error *error);
/* Registers process_threads, the malloc_* figures where libc has mallinfo2 (glibc), and
 * meter_runtime_info with libmeter's version, compiler and libc. */
METER_API int meter_register_runtime(struct meter *meter, struct meter_error *error);

/* ---- Exposition ---- */

enum meter_format {
    METER_TEXT,        /* Prometheus text 0.0.4 */
    METER_OPENMETRICS, /* OpenMetrics 1.0.0 text */
    METER_PROTOBUF,    /* delimited io.prometheus.client.MetricFamily */
};

/* The format that an HTTP Accept header asks for, by its q-values; text when it is NULL or asks for
 * nothing that exists. `text/plain; version=1.0.0` gets version 0.0.4. */
METER_API enum meter_format meter_negotiate(const char *accept);
METER_API enum meter_format meter_negotiate_text(const char *accept, size_t length);
/* The value of Content-Type; static. */
METER_API const char *meter_content_type(enum meter_format format);

/* A scrape, piece by piece, into memory of the caller's. One thread at a time may use one scrape;
 * any number of scrapes may run at once. Between two reads no lock is held. Families and series
 * made after it began may or may not be in it; each is in it at most once and whole. Families come
 * sorted by name, series by label values.
 *
 *     struct meter_scrape *scrape = meter_scrape_begin(meter, METER_TEXT);
 *     while ((length = meter_scrape_read(scrape, buffer, sizeof buffer)) > 0)
 *         send(peer, buffer, (size_t)length, 0);
 *     meter_scrape_end(scrape);
 */
METER_API struct meter_scrape *meter_scrape_begin(struct meter *meter, enum meter_format format);
/* Fills `buffer`; returns the bytes written, which are fewer than `capacity` only at the end, 0
 * after it, or -ENOMEM when a line needs more memory than there is: the page is then incomplete
 * and must be given up. */
METER_API METER_MUST_CHECK ssize_t meter_scrape_read(struct meter_scrape *scrape, void *buffer,
                                                     size_t capacity);
/* Ends and frees it, at any point. */
METER_API void meter_scrape_end(struct meter_scrape *scrape);

/* What a page says of one series; valid during the call. */
struct meter_shown {
    const struct meter_text *values; /* label values, in the order of the description's names */
    size_t value_count;
    double value;            /* counters, gauges and info */
    uint64_t count;          /* histograms and summaries: of observations */
    double sum;              /* histograms and summaries */
    const uint64_t *buckets; /* classic histograms, not cumulative, the last one +Inf; else NULL */
    size_t bucket_count;
};

/* Called by the thread that reads the scrape, with the family's lock held: it must not call
 * libmeter. */
typedef void meter_watch_function(void *context, const struct meter_shown *shown);

#define METER_MAX_WATCHES 4

/* Has `watch` called for each series of a family as it is put on the page, in any format, once and
 * with the very figures of the page: for who must know what a scraper was told. Before the first
 * read. 0, -ENOENT (no family of that name yet), -ENOSPC (METER_MAX_WATCHES), -ENOMEM, -EINVAL. */
METER_API int meter_scrape_watch(struct meter_scrape *scrape, const char *family,
                                 meter_watch_function *watch, void *context);

/* The whole page at once: memory to free(), NUL-terminated behind *length bytes. NULL with errno
 * ENOMEM. `length` may be NULL. */
METER_API char *meter_render(struct meter *meter, enum meter_format format, size_t *length);

/* Writes the page in text format for node_exporter's textfile collector: to a temporary file in the
 * same folder, synced, then renamed over `path`, so a reader sees the old page or the new one.
 * 0 or a negative errno; *error says at which step. */
METER_API int meter_write_textfile(struct meter *meter, const char *path,
                                   struct meter_error *error);

/* ---- fork ----
 *
 * A child inherits a copy of all counts. meter_after_fork_in_child() sets everything to zero
 * (handles stay valid) and forgets the parent's other threads. A program that has threads when it
 * forks calls meter_before_fork() before and meter_after_fork_in_parent() after it, so that the
 * child gets no half-made change; one without threads needs the call in the child only. A program
 * with several registries calls them for each, in the child before it starts threads. They fit
 * pthread_atfork() with a small wrapper.
 */
METER_API void meter_before_fork(struct meter *meter);
METER_API void meter_after_fork_in_parent(struct meter *meter);
METER_API void meter_after_fork_in_child(struct meter *meter);

/* "1.2.3" */
METER_API const char *meter_version(void);

/* ---- What the inline functions need: not an interface, use none of it ---- */

struct meter_cells {
    uint64_t *shards[METER_SHARDS + 1]; /* NULL where a shard has no cells; the last always is */
};

struct meter_counter {
    struct meter_cells *cells;
    uint32_t offset_words;
    uint32_t flags;
};

/* The calling thread's shard, or METER_SHARDS when it owns none. */
extern METER_API __thread uint32_t meter_thread_shard __attribute__((tls_model("initial-exec")));

METER_API void meter_counter_add_slowly(struct meter_counter *counter, uint64_t amount);

static inline void meter_counter_add(struct meter_counter *counter, uint64_t amount)
{
    if (__builtin_expect(counter == NULL, 0)) {
        return;
    }
    uint64_t *words =
        __atomic_load_n(&counter->cells->shards[meter_thread_shard], __ATOMIC_ACQUIRE);
    if (__builtin_expect(words == NULL, 0)) {
        meter_counter_add_slowly(counter, amount);
        return;
    }
    /* Nobody else writes this cell, so a relaxed load and store are an increment. */
    uint64_t *cell = words + counter->offset_words;
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
}

static inline void meter_counter_inc(struct meter_counter *counter)
{
    meter_counter_add(counter, 1);
}

#ifdef __cplusplus
}
#endif

#endif

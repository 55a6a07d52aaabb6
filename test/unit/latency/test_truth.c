#include "../cmocka_includes.h"

#include "base/clock.h"
#include "base/random.h"
#include "latency/truth.h"
#include "latency/truth_answer.h"
#include "latency/truth_state.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define SLOTS 2
#define START_S INT64_C(1700000003) /* three seconds behind a boundary */

static struct truth_time at(int64_t seconds_since_start)
{
    return (struct truth_time){.realtime_ns = (START_S + seconds_since_start) * NS_PER_S,
                               .monotonic_ns = (500 + seconds_since_start) * NS_PER_S};
}

static int make(void **state)
{
    *state = truth_new(SLOTS, at(0));
    return *state == NULL;
}

static int unmake(void **state)
{
    truth_free(*state);
    return 0;
}

static struct truth_question median_of(unsigned slices)
{
    return (struct truth_question){
        .slices = slices, .quantile_count = 1, .quantiles = {{.digits = 5, .scale = 1}}};
}

static struct truth_figures ask(struct truth *truth, unsigned slices, uint32_t slot,
                                enum truth_figure figure, struct truth_period *ret_period)
{
    struct truth_question question = median_of(slices);
    struct truth_answer *answer = NULL;
    assert_int_equal(truth_ask(truth, &question, at(5000), &answer), 0);
    struct truth_figures figures;
    truth_answer_figures(answer, slot, figure, &figures);
    if (ret_period != NULL) {
        *ret_period = truth_answer_period(answer);
    }
    truth_answer_free(answer);
    return figures;
}

static void nothing_recorded_is_nothing(void **state)
{
    struct truth *truth = *state;
    struct truth_figures figures = ask(truth, 0, 0, TRUTH_SERVED, NULL);
    assert_true(figures.count == 0 && figures.sum_ns == 0);
    struct truth_period period;
    figures = ask(truth, 6, TRUTH_ALL_SLOTS, TRUTH_SERVED, &period);
    assert_true(figures.count == 0);
    assert_true(period.from.realtime_ns == at(0).realtime_ns);
    assert_true(period.to.realtime_ns == at(0).realtime_ns);
    assert_false(period.whole);
}

static void figures_are_kept_apart_and_added_over_workers(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *first = truth_add_worker(truth), *second = truth_add_worker(truth);
    assert_true(first != NULL && second != NULL);
    truth_record(first, 0, 100, 110, 111);
    truth_record(second, 0, 300, 330, 333);
    truth_record(second, 1, TRUTH_NOT_DRAWN, TRUTH_NOT_DRAWN, 5000000);
    struct truth_figures drawn = ask(truth, 0, 0, TRUTH_DRAWN, NULL);
    assert_true(drawn.count == 2 && drawn.sum_ns == 400);
    assert_true(drawn.min_ns == 100 && drawn.max_ns == 300 && drawn.quantiles_ns[0] == 100);
    struct truth_figures waited = ask(truth, 0, 0, TRUTH_WAITED, NULL);
    assert_true(waited.count == 2 && waited.sum_ns == 440 && waited.max_ns == 330);
    assert_true(ask(truth, 0, 1, TRUTH_DRAWN, NULL).count == 0);
    struct truth_figures served = ask(truth, 0, 1, TRUTH_SERVED, NULL);
    assert_true(served.count == 1 && served.min_ns == 5000000 && served.max_ns == 5000000);
    assert_true(served.quantiles_ns[0] == 5000000); /* between minimum and maximum: exact */
    served = ask(truth, 0, TRUTH_ALL_SLOTS, TRUTH_SERVED, NULL);
    assert_true(served.count == 3 && served.sum_ns == 5000444 && served.min_ns == 111);
    /* Again: nothing was taken twice. */
    assert_true(ask(truth, 0, TRUTH_ALL_SLOTS, TRUTH_SERVED, NULL).count == 3);
}

static void buckets_count_as_the_histogram_does(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    for (unsigned k = 0; k < TRUTH_BOUNDS; k++) {
        assert_int_equal(truth_bucket(TRUTH_BOUND_NS(k)), k);
        assert_int_equal(truth_bucket(TRUTH_BOUND_NS(k) + 1), k + 1);
    }
    assert_int_equal(truth_bucket(0), 0);
    assert_int_equal(truth_bucket(1), 0);
    assert_int_equal(truth_bucket(INT64_MAX), TRUTH_BOUNDS);
    truth_record(worker, 0, TRUTH_NOT_DRAWN, TRUTH_NOT_DRAWN, 0);
    truth_record(worker, 0, TRUTH_NOT_DRAWN, TRUTH_NOT_DRAWN, 2000000);
    truth_record(worker, 1, TRUTH_NOT_DRAWN, TRUTH_NOT_DRAWN, INT64_C(20000000000));
    struct truth_question question = median_of(0);
    struct truth_answer *answer = NULL;
    assert_int_equal(truth_ask(truth, &question, at(1), &answer), 0);
    uint64_t buckets[TRUTH_BOUNDS + 1];
    truth_answer_buckets(answer, TRUTH_ALL_SLOTS, buckets);
    assert_int_equal(buckets[0], 1);
    assert_int_equal(buckets[1], 2);
    assert_int_equal(buckets[TRUTH_BOUNDS - 1], 2);
    assert_int_equal(buckets[TRUTH_BOUNDS], 3);
    truth_answer_buckets(answer, 1, buckets);
    assert_int_equal(buckets[TRUTH_BOUNDS - 1], 0);
    assert_int_equal(buckets[TRUTH_BOUNDS], 1);
    truth_answer_free(answer);
}

static void sums_do_not_overflow(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    unsigned __int128 sum = 0;
    for (unsigned i = 0; i < 20; i++) {
        truth_record(worker, 0, TRUTH_NOT_DRAWN, TRUTH_NOT_DRAWN, INT64_MAX);
        sum += INT64_MAX;
        (void)truth_tick(truth, at(10 * i));
    }
    struct truth_figures served = ask(truth, 0, 0, TRUTH_SERVED, NULL);
    assert_true(served.sum_ns == sum && served.sum_ns > UINT64_MAX && served.count == 20);
    served = ask(truth, TRUTH_SLICES, 0, TRUTH_SERVED, NULL);
    assert_true(served.sum_ns == sum && served.count == 20);
}

static void record_ms(struct truth_worker *worker, int64_t ms)
{
    truth_record(worker, 0, ms * NS_PER_MS, ms * NS_PER_MS, ms * NS_PER_MS);
}

static void slices_end_at_multiples_of_ten_seconds(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    record_ms(worker, 1);
    /* Seven seconds are left of the first, which is shorter than the others. */
    assert_true(truth_tick(truth, at(0)) == at(7).monotonic_ns);
    assert_true(truth_tick(truth, at(6)) == at(7).monotonic_ns);
    assert_true(ask(truth, 1, 0, TRUTH_SERVED, NULL).count == 0);
    assert_true(truth_tick(truth, at(7)) == at(17).monotonic_ns);
    struct truth_period period;
    struct truth_figures served = ask(truth, 1, 0, TRUTH_SERVED, &period);
    assert_true(served.count == 1 && served.min_ns == NS_PER_MS);
    assert_true(period.whole && period.from.realtime_ns == at(0).realtime_ns);
    assert_true(period.to.realtime_ns == at(7).realtime_ns);

    record_ms(worker, 20);
    record_ms(worker, 2);
    (void)truth_tick(truth, at(17));
    record_ms(worker, 300); /* of the slice that is not complete */
    served = ask(truth, 1, 0, TRUTH_WAITED, &period);
    assert_true(served.count == 2 && served.sum_ns == 22 * NS_PER_MS);
    assert_true(served.min_ns == 2 * NS_PER_MS && served.max_ns == 20 * NS_PER_MS);
    assert_true(period.from.realtime_ns == at(7).realtime_ns);
    assert_true(period.to.monotonic_ns == at(17).monotonic_ns);
    served = ask(truth, 2, TRUTH_ALL_SLOTS, TRUTH_DRAWN, &period);
    assert_true(served.count == 3 && served.min_ns == NS_PER_MS && period.whole);
    served = ask(truth, 3, 0, TRUTH_DRAWN, &period);
    assert_true(served.count == 3 && !period.whole);
    assert_true(period.from.realtime_ns == at(0).realtime_ns);
    served = ask(truth, 0, 0, TRUTH_DRAWN, &period);
    assert_true(served.count == 4 && period.from.realtime_ns == at(0).realtime_ns);
    assert_true(period.to.realtime_ns == at(5000).realtime_ns && period.whole);
}

/* What a slot had before counts elsewhere, in the slices that have ended too; sums stay. */
static void a_slot_can_begin_anew(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    record_ms(worker, 1);
    record_ms(worker, 2);
    (void)truth_tick(truth, at(7));
    record_ms(worker, 4);
    truth_restart_slot(truth, 0, 1);
    record_ms(worker, 8);
    assert_true(ask(truth, 0, 0, TRUTH_DRAWN, NULL).sum_ns == 8 * NS_PER_MS);
    struct truth_figures former = ask(truth, 0, 1, TRUTH_DRAWN, NULL);
    assert_true(former.count == 3 && former.sum_ns == 7 * NS_PER_MS);
    assert_true(former.min_ns == NS_PER_MS && former.max_ns == 4 * NS_PER_MS);
    assert_true(former.quantiles_ns[0] >= 2 * NS_PER_MS - 2000 &&
                former.quantiles_ns[0] <= 2 * NS_PER_MS + 2000);
    assert_true(ask(truth, 1, 0, TRUTH_SERVED, NULL).count == 0);
    assert_true(ask(truth, 1, 1, TRUTH_SERVED, NULL).count == 2);
    (void)truth_tick(truth, at(17));
    assert_true(ask(truth, 1, 0, TRUTH_SERVED, NULL).sum_ns == 8 * NS_PER_MS);
    assert_true(ask(truth, 1, 1, TRUTH_SERVED, NULL).sum_ns == 4 * NS_PER_MS);
    assert_true(ask(truth, 2, 1, TRUTH_SERVED, NULL).count == 3);
    assert_true(ask(truth, 2, TRUTH_ALL_SLOTS, TRUTH_SERVED, NULL).count == 4);
    truth_restart_slot(truth, 0, 1);
    assert_true(ask(truth, 1, 0, TRUTH_SERVED, NULL).count == 0);
    assert_true(ask(truth, 0, 1, TRUTH_SERVED, NULL).count == 4);
}

static void windows_forget_after_fifteen_minutes(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    for (unsigned i = 0; i < 2 * TRUTH_SLICES; i++) {
        record_ms(worker, 1 + i);
        (void)truth_tick(truth, at(7 + 10 * i));
    }
    struct truth_period period;
    struct truth_figures drawn = ask(truth, TRUTH_SLICES, 0, TRUTH_DRAWN, &period);
    assert_true(drawn.count == TRUTH_SLICES && drawn.min_ns == (1 + TRUTH_SLICES) * NS_PER_MS);
    assert_true(period.whole);
    assert_true(period.to.realtime_ns - period.from.realtime_ns == 900 * NS_PER_S);
    assert_true(ask(truth, 0, 0, TRUTH_DRAWN, NULL).count == 2 * TRUTH_SLICES);
}

/* A window that is being read stays as it is, whatever ends meanwhile. */
static void windows_are_held(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    record_ms(worker, 5);
    (void)truth_tick(truth, at(7));
    struct truth_question question = median_of(TRUTH_SLICES);
    struct truth_answer *answer = NULL;
    assert_int_equal(truth_ask(truth, &question, at(8), &answer), 0);
    for (unsigned i = 0; i < 2 * TRUTH_SLICES; i++) {
        (void)truth_tick(truth, at(17 + 10 * i));
    }
    struct truth_figures drawn;
    truth_answer_figures(answer, 0, TRUTH_DRAWN, &drawn);
    assert_true(drawn.count == 1 && drawn.sum_ns == 5 * NS_PER_MS);
    truth_answer_free(answer);
    assert_true(ask(truth, TRUTH_SLICES, 0, TRUTH_DRAWN, NULL).count == 0);
}

static void a_wall_clock_that_steps_loses_nothing(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    record_ms(worker, 1);
    struct truth_time back = {at(-3600).realtime_ns, at(5).monotonic_ns};
    assert_true(truth_tick(truth, back) == at(12).monotonic_ns);
    assert_true(ask(truth, 1, 0, TRUTH_DRAWN, NULL).count == 0);
    struct truth_time boundary = {at(-3593).realtime_ns, at(12).monotonic_ns};
    assert_true(truth_tick(truth, boundary) == at(22).monotonic_ns);
    assert_true(ask(truth, 1, 0, TRUTH_DRAWN, NULL).count == 1);
    record_ms(worker, 2);
    struct truth_time far = {at(90000).realtime_ns, at(14).monotonic_ns};
    assert_true(truth_tick(truth, far) > at(14).monotonic_ns);
    struct truth_period period;
    assert_true(ask(truth, 1, 0, TRUTH_DRAWN, &period).count == 1);
    assert_true(period.to.monotonic_ns - period.from.monotonic_ns == 2 * NS_PER_S);
    assert_true(ask(truth, 2, 0, TRUTH_DRAWN, NULL).count == 2);
}

static void memory_of_slices_is_limited(void **state)
{
    struct truth *truth = *state;
    struct truth_worker *worker = truth_add_worker(truth);
    assert_non_null(worker);
    /* Every bin of every figure of both slots: 113 KiB or more each. */
    for (unsigned i = 0; i < TRUTH_SLICES; i++) {
        for (uint32_t bin = 0; bin < SKETCH_BINS; bin++) {
            int64_t ns = sketch_middle_ns(bin);
            truth_record(worker, 0, ns, ns, ns);
            truth_record(worker, 1, ns, ns, ns);
        }
        (void)truth_tick(truth, at(7 + 10 * i));
    }
    struct truth_period period;
    struct truth_figures drawn = ask(truth, TRUTH_SLICES, 0, TRUTH_DRAWN, &period);
    assert_false(period.whole);
    assert_true(drawn.count >= 40 * SKETCH_BINS && drawn.count < TRUTH_SLICES * SKETCH_BINS);
    int64_t seconds = (period.to.realtime_ns - period.from.realtime_ns) / NS_PER_S;
    assert_true(drawn.count == (uint64_t)seconds / 10 * SKETCH_BINS);
}

/* ---- Under load ---- */

struct recorder {
    pthread_t thread;
    struct truth_worker *worker;
    _Atomic uint64_t count;
    _Atomic bool *stop;
};

#define DRAWN_NS 1000
#define WAITED_NS 3000

static void *record_until_stopped(void *context)
{
    struct recorder *recorder = context;
    while (!atomic_load_explicit(recorder->stop, memory_order_relaxed)) {
        truth_record(recorder->worker, 0, DRAWN_NS, WAITED_NS, TRUTH_BOUND_NS(0));
        uint64_t count = atomic_load_explicit(&recorder->count, memory_order_relaxed);
        atomic_store_explicit(&recorder->count, count + 1, memory_order_relaxed);
    }
    return NULL;
}

/* All are at it: on a busy machine the cuts could else be over before the first of them runs. */
static void await_records(struct recorder *recorders, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        while (atomic_load_explicit(&recorders[i].count, memory_order_relaxed) == 0) {
            sched_yield();
        }
    }
}

/* Each cut finds whole requests only: count, sum, bins and buckets of all figures agree. */
static void cuts_are_consistent_while_workers_record(void **state)
{
    struct truth *truth = *state;
    enum { RECORDERS = 3, CUTS = 2000 };
    struct recorder recorders[RECORDERS] = {0};
    _Atomic bool stop = false;
    for (unsigned i = 0; i < RECORDERS; i++) {
        recorders[i].stop = &stop;
        recorders[i].worker = truth_add_worker(truth);
        assert_non_null(recorders[i].worker);
    }
    for (unsigned i = 0; i < RECORDERS; i++) {
        assert_int_equal(
            pthread_create(&recorders[i].thread, NULL, record_until_stopped, &recorders[i]), 0);
    }
    await_records(recorders, RECORDERS);
    struct truth_question question = median_of(0);
    uint64_t previous = 0;
    for (unsigned i = 0; i < CUTS; i++) {
        struct truth_answer *answer = NULL;
        assert_int_equal(truth_ask(truth, &question, at(i), &answer), 0);
        struct truth_figures drawn, waited, served;
        uint64_t buckets[TRUTH_BOUNDS + 1];
        truth_answer_figures(answer, 0, TRUTH_DRAWN, &drawn);
        truth_answer_figures(answer, 0, TRUTH_WAITED, &waited);
        truth_answer_figures(answer, 0, TRUTH_SERVED, &served);
        truth_answer_buckets(answer, 0, buckets);
        truth_answer_free(answer);
        assert_true(drawn.count == waited.count && waited.count == served.count);
        assert_true(drawn.sum_ns == (unsigned __int128)drawn.count * DRAWN_NS);
        assert_true(waited.sum_ns == (unsigned __int128)drawn.count * WAITED_NS);
        assert_true(buckets[0] == drawn.count && buckets[TRUTH_BOUNDS] == drawn.count);
        assert_true(drawn.count >= previous);
        previous = drawn.count;
        if (i % 10 == 0) {
            (void)truth_tick(truth, at(7 + i));
        }
    }
    atomic_store(&stop, true);
    uint64_t recorded = 0;
    for (unsigned i = 0; i < RECORDERS; i++) {
        pthread_join(recorders[i].thread, NULL);
        recorded += recorders[i].count;
    }
    assert_true(ask(truth, 0, 0, TRUTH_DRAWN, NULL).count == recorded);
}

/* The same where the kernel does not lend its barriers. */
static void cuts_are_consistent_without_membarrier(void **state)
{
    struct truth *truth = *state;
    atomic_store(&truth->turn.grace.fences, true);
    cuts_are_consistent_while_workers_record(state);
}

int main(void)
{
#define TRUTH_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
    const struct CMUnitTest tests[] = {
        TRUTH_TEST(nothing_recorded_is_nothing),
        TRUTH_TEST(figures_are_kept_apart_and_added_over_workers),
        TRUTH_TEST(buckets_count_as_the_histogram_does),
        TRUTH_TEST(sums_do_not_overflow),
        TRUTH_TEST(slices_end_at_multiples_of_ten_seconds),
        TRUTH_TEST(a_slot_can_begin_anew),
        TRUTH_TEST(windows_forget_after_fifteen_minutes),
        TRUTH_TEST(windows_are_held),
        TRUTH_TEST(a_wall_clock_that_steps_loses_nothing),
        TRUTH_TEST(memory_of_slices_is_limited),
        TRUTH_TEST(cuts_are_consistent_while_workers_record),
        TRUTH_TEST(cuts_are_consistent_without_membarrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/clock.h"
#include "base/random.h"
#include "latency/truth_series.h"

#include <stdlib.h>

#define SLOTS 3
#define FORMER 2

static const struct truth_question question = {
    .quantile_count = 2, .quantiles = {{.digits = 5, .scale = 1}, {.digits = 99, .scale = 2}}};

struct fixture {
    struct truth *truth;
    struct truth_worker *worker;
    struct truth_series *series;
};

static int make(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return 1;
    }
    *state = fixture;
    fixture->truth = truth_new(SLOTS, (struct truth_time){NS_PER_S, NS_PER_S});
    fixture->worker = truth_add_worker(fixture->truth);
    fixture->series = truth_series_new(fixture->truth, &question);
    return fixture->worker == NULL || fixture->series == NULL;
}

static int unmake(void **state)
{
    struct fixture *fixture = *state;
    truth_series_free(fixture->series);
    truth_free(fixture->truth);
    free(fixture);
    return 0;
}

static uint64_t sum_of(const uint64_t *coarse)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TRUTH_COARSE_BINS; i++) {
        sum += coarse[i];
    }
    return sum;
}

static void a_slot_that_recorded_nothing_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct truth_step step;
    assert_false(truth_series_look(fixture->series, 0, &step));
    truth_series_step(fixture->series);
    assert_false(truth_series_look(fixture->series, 0, &step));
    truth_record(fixture->worker, 1, TRUTH_NOT_DRAWN, TRUTH_NOT_DRAWN, 5);
    assert_false(truth_series_look(fixture->series, 1, &step)); /* not before a step */
    truth_series_step(fixture->series);
    assert_false(truth_series_look(fixture->series, 0, &step));
    assert_true(truth_series_look(fixture->series, 1, &step));
    assert_int_equal(step.count, 1);
    assert_int_equal(step.overshoot.count, 0);
}

static void a_step_has_what_came_since_the_last_one(void **state)
{
    struct fixture *fixture = *state;
    truth_record(fixture->worker, 0, 1000000, 1000300, 1000500);
    truth_record(fixture->worker, 0, 2000000, 2000100, 2000500);
    truth_series_step(fixture->series);
    truth_record(fixture->worker, 0, 3000000, 3000050, INT64_C(20000000000));
    truth_series_step(fixture->series);
    struct truth_step step;
    assert_true(truth_series_look(fixture->series, 0, &step));
    assert_int_equal(step.count, 1);
    assert_int_equal(sum_of(step.coarse), 1);
    assert_int_equal(step.coarse[sketch_bin(INT64_C(20000000000)) >> TRUTH_COARSE_SHIFT], 1);
    assert_true(step.overshoot.count == 1 && step.overshoot.sum_ns == 50);
    assert_true(step.window_overshoot.count == 3 && step.window_overshoot.sum_ns == 450);
    assert_true(step.window.count == 3 && step.total.count == 3);
    assert_true(step.total.min_ns == 1000500 && step.total.max_ns == INT64_C(20000000000));
    assert_int_equal(step.buckets[0], 0);
    assert_int_equal(step.buckets[1], 1);
    assert_int_equal(step.buckets[2], 2);
    assert_int_equal(step.buckets[TRUTH_BOUNDS - 1], 2);
    assert_int_equal(step.buckets[TRUTH_BOUNDS], 3);
    /* Nothing came: nothing is told twice. */
    truth_series_step(fixture->series);
    assert_true(truth_series_look(fixture->series, 0, &step));
    assert_true(step.count == 0 && sum_of(step.coarse) == 0 && step.total.count == 3);
}

static void what_is_told_is_what_the_truth_says(void **state)
{
    struct fixture *fixture = *state;
    uint64_t coarse = 0;
    struct truth_step step;
    for (uint64_t i = 0; i < 20; i++) {
        for (uint64_t k = 0; k < 50; k++) {
            int64_t ns = (int64_t)(random_u64(random_draw(3, i, (uint32_t)k, 0)) % 3000000000);
            truth_record(fixture->worker, 0, ns, ns, ns);
        }
        truth_series_step(fixture->series);
        assert_true(truth_series_look(fixture->series, 0, &step));
        coarse += sum_of(step.coarse);
    }
    struct truth_answer *answer = NULL;
    assert_int_equal(truth_ask(fixture->truth, &question, truth_time_now(), &answer), 0);
    struct truth_figures figures;
    truth_answer_figures(answer, 0, TRUTH_SERVED, &figures);
    uint64_t buckets[TRUTH_BOUNDS + 1];
    truth_answer_buckets(answer, 0, buckets);
    truth_answer_free(answer);
    assert_int_equal(coarse, 1000);
    assert_memory_equal(step.buckets, buckets, sizeof buckets);
    assert_true(step.total.count == figures.count && step.total.sum_ns == figures.sum_ns);
    assert_true(step.total.min_ns == figures.min_ns && step.total.max_ns == figures.max_ns);
    assert_int_equal(step.total.quantiles_ns[0], figures.quantiles_ns[0]);
    assert_int_equal(step.total.quantiles_ns[1], figures.quantiles_ns[1]);
    /* All steps are in the window. */
    assert_true(step.window.count == figures.count && step.window.sum_ns == figures.sum_ns);
    assert_int_equal(step.window.quantiles_ns[0], figures.quantiles_ns[0]);
}

static void the_window_forgets(void **state)
{
    struct fixture *fixture = *state;
    struct truth_step step;
    truth_record(fixture->worker, 0, 9000, 9000, 9000);
    for (unsigned i = 0; i < TRUTH_WINDOW_STEPS; i++) {
        truth_record(fixture->worker, 0, 100, 101, 100);
        truth_series_step(fixture->series);
        assert_true(truth_series_look(fixture->series, 0, &step));
        assert_int_equal(step.window.count, i + 2);
    }
    assert_int_equal(step.window.quantiles_ns[1], sketch_middle_ns(sketch_bin(9000)));
    truth_record(fixture->worker, 0, 100, 101, 100);
    truth_series_step(fixture->series);
    assert_true(truth_series_look(fixture->series, 0, &step));
    assert_int_equal(step.window.count, TRUTH_WINDOW_STEPS);
    assert_int_equal(step.window.quantiles_ns[1], 100);
    assert_int_equal(step.window_overshoot.sum_ns, TRUTH_WINDOW_STEPS);
    assert_int_equal(step.total.count, TRUTH_WINDOW_STEPS + 2);
    for (unsigned i = 0; i < TRUTH_WINDOW_STEPS; i++) {
        truth_series_step(fixture->series);
    }
    assert_true(truth_series_look(fixture->series, 0, &step));
    assert_true(step.window.count == 0 && step.total.count == TRUTH_WINDOW_STEPS + 2);
}

static void a_slot_that_is_for_something_else_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    struct truth_step step;
    truth_record(fixture->worker, 0, 5000, 5000, 5000);
    truth_series_step(fixture->series);
    truth_restart_slot(fixture->truth, 0, FORMER);
    truth_series_step(fixture->series);
    assert_false(truth_series_look(fixture->series, 0, &step));
    truth_record(fixture->worker, 0, 700, 700, 700);
    truth_series_step(fixture->series);
    assert_true(truth_series_look(fixture->series, 0, &step));
    assert_true(step.count == 1 && step.total.count == 1 && step.total.max_ns == 700);
}

static void bounds_are_those_of_the_sketch(void **state)
{
    (void)state;
    assert_true(truth_coarse_bound_ns(0, TRUTH_COARSE_BITS) == 0);
    for (int64_t ns = 1; ns < INT64_C(1) << 50; ns = ns * 5 / 4 + 1) {
        uint32_t bin = sketch_bin(ns) >> TRUTH_COARSE_SHIFT;
        assert_true(truth_coarse_bound_ns(bin, TRUTH_COARSE_BITS) <= (double)ns);
        assert_true(truth_coarse_bound_ns(bin + 1, TRUTH_COARSE_BITS) > (double)ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slot_that_recorded_nothing_is_not_there, make, unmake),
        cmocka_unit_test_setup_teardown(a_step_has_what_came_since_the_last_one, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_told_is_what_the_truth_says, make, unmake),
        cmocka_unit_test_setup_teardown(the_window_forgets, make, unmake),
        cmocka_unit_test_setup_teardown(a_slot_that_is_for_something_else_begins_anew, make,
                                        unmake),
        cmocka_unit_test(bounds_are_those_of_the_sketch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/random.h"
#include "latency/draw.h"
#include "latency/law.h"
#include "latency/sketch.h"

#include <stdlib.h>

#define SAMPLES 200000

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void every_value_is_near_the_middle_of_its_bin(void **state)
{
    (void)state;
    uint32_t previous = 0;
    for (int64_t ns = 0; ns < 100000; ns++) {
        uint32_t bin = sketch_bin(ns);
        assert_true(bin == previous || bin == previous + 1 || ns == 0);
        previous = bin;
        int64_t error = llabs(sketch_middle_ns(bin) - ns);
        assert_true(error * 1024 <= ns);
        assert_true(ns > 1023 || error == 0);
    }
    for (unsigned exponent = 10; exponent < 63; exponent++) {
        for (uint64_t i = 0; i < 2000; i++) {
            uint64_t bits = random_u64(random_draw(7, i, exponent, 0));
            int64_t ns = (int64_t)((UINT64_C(1) << exponent) | (bits >> (64 - exponent)));
            int64_t error = llabs(sketch_middle_ns(sketch_bin(ns)) - ns);
            assert_true(error <= ns / 1024);
            assert_true((double)error <= SKETCH_RELATIVE_ERROR * (double)ns);
        }
    }
}

static void edges_of_octaves_are_where_they_belong(void **state)
{
    (void)state;
    assert_int_equal(sketch_bin(0), 0);
    assert_int_equal(sketch_bin(INT64_MAX), SKETCH_BINS - 1);
    for (unsigned exponent = 1; exponent < 63; exponent++) {
        int64_t edge = INT64_C(1) << exponent;
        assert_int_equal(sketch_bin(edge), sketch_bin(edge - 1) + 1);
    }
    for (uint32_t bin = 0; bin < SKETCH_BINS; bin++) {
        assert_int_equal(sketch_bin(sketch_middle_ns(bin)), bin);
    }
}

/* Against the exact order statistics of samples of a law. */
static void check_law(const char *text)
{
    static uint64_t bins[SKETCH_BINS];
    static int64_t samples[SAMPLES];
    static const struct decimal quantiles[] = {{0, 0},    {1, 3},     {1, 2},  {25, 2},
                                               {5, 1},    {9, 1},     {99, 2}, {999, 3},
                                               {9999, 4}, {99999, 5}, {1, 0}};
    struct law *law = NULL;
    struct law_limits limits = {.max_delay_ns = INT64_C(60000000000)};
    assert_int_equal(law_parse(span_from_string(text), &limits, &law, NULL), 0);
    memset(bins, 0, sizeof bins);
    struct sketch_range range = SKETCH_RANGE_EMPTY;
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = draw_delay_ns(law, 11, i, 0);
        uint32_t bin = sketch_bin(samples[i]);
        bins[bin]++;
        range.first = bin < range.first ? bin : range.first;
        range.last = bin > range.last ? bin : range.last;
    }
    law_free(law);
    qsort(samples, SAMPLES, sizeof samples[0], compare);
    uint64_t ranks[ARRAY_LENGTH(quantiles)];
    int64_t seen[ARRAY_LENGTH(quantiles)];
    for (size_t i = 0; i < ARRAY_LENGTH(quantiles); i++) {
        ranks[i] = sketch_rank(quantiles[i], SAMPLES);
    }
    sketch_at_ranks(bins, range, ranks, ARRAY_LENGTH(quantiles), seen);
    for (size_t i = 0; i < ARRAY_LENGTH(quantiles); i++) {
        int64_t exact = samples[ranks[i] - 1];
        int64_t error = llabs(seen[i] - exact);
        if ((double)error > SKETCH_RELATIVE_ERROR * (double)exact) {
            fail_msg("%s: rank %llu is %lld, not %lld", text, (unsigned long long)ranks[i],
                     (long long)exact, (long long)seen[i]);
        }
    }
}

static void quantiles_are_within_a_thousandth_of_the_exact_ones(void **state)
{
    (void)state;
    check_law("uniform(0s,2s)");
    check_law("uniform(0ns,2us)");
    check_law("const(0s)");
    check_law("const(200ms)");
    check_law("exp(50ms)");
    check_law("lognormal(20ms,900ms)");
    check_law("pareto(1ms,1.5)");
    check_law("normal(1s,100ms)");
    check_law("mix(0.9:uniform(1us,5us),0.1:uniform(10s,60s))");
}

static void ranks_are_exact(void **state)
{
    (void)state;
    assert_int_equal(sketch_rank((struct decimal){0, 0}, 10), 1);
    assert_int_equal(sketch_rank((struct decimal){1, 0}, 10), 10);
    assert_int_equal(sketch_rank((struct decimal){5, 1}, 1), 1);
    assert_int_equal(sketch_rank((struct decimal){5, 1}, 2), 1);
    assert_int_equal(sketch_rank((struct decimal){5, 1}, 3), 2);
    /* In floating point 0.999 * 1000 and 0.07 * 100 are a little more, and one rank too high. */
    assert_int_equal(sketch_rank((struct decimal){999, 3}, 1000), 999);
    assert_int_equal(sketch_rank((struct decimal){7, 2}, 100), 7);
    assert_int_equal(sketch_rank((struct decimal){1, 18}, UINT64_MAX), 19);
    assert_true(sketch_rank((struct decimal){1, 0}, UINT64_MAX) == UINT64_MAX);
}

static void ranks_may_come_in_any_order(void **state)
{
    (void)state;
    static uint64_t bins[SKETCH_BINS];
    bins[3] = 2;
    bins[5] = 1;
    bins[900] = 4;
    uint64_t ranks[] = {7, 1, 3, 2, 4};
    int64_t seen[5];
    sketch_at_ranks(bins, (struct sketch_range){3, 900}, ranks, 5, seen);
    assert_int_equal(seen[0], 900);
    assert_int_equal(seen[1], 3);
    assert_int_equal(seen[2], 5);
    assert_int_equal(seen[3], 3);
    assert_int_equal(seen[4], 900);
}

static void packed_sketches_add_up(void **state)
{
    (void)state;
    static uint64_t bins[SKETCH_BINS], twice[SKETCH_BINS];
    bins[0] = 1;
    bins[1] = 127;
    bins[2] = 128;
    bins[500] = UINT64_MAX / 2;
    bins[SKETCH_BINS - 1] = 1u << 21;
    struct sketch_range all = {0, SKETCH_BINS - 1}, range = SKETCH_RANGE_EMPTY;
    char memory[64];
    struct buffer packed = buffer_over(memory, sketch_packed_bytes(bins, all));
    assert_true(packed.capacity <= sizeof memory);
    sketch_pack(bins, all, &packed);
    assert_false(packed.overflowed);
    assert_int_equal(packed.length, packed.capacity);
    sketch_add_packed(buffer_span(&packed), twice, &range);
    sketch_add_packed(buffer_span(&packed), twice, &range);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, SKETCH_BINS - 1);
    for (uint32_t bin = 0; bin < SKETCH_BINS; bin++) {
        assert_true(twice[bin] == 2 * bins[bin]);
    }
    struct buffer small = buffer_over(memory, sketch_packed_bytes(bins, all) - 1);
    sketch_pack(bins, all, &small);
    assert_true(small.overflowed && small.length == 0);
    assert_int_equal(sketch_packed_bytes(bins, SKETCH_RANGE_EMPTY), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_near_the_middle_of_its_bin),
        cmocka_unit_test(edges_of_octaves_are_where_they_belong),
        cmocka_unit_test(quantiles_are_within_a_thousandth_of_the_exact_ones),
        cmocka_unit_test(ranks_are_exact),
        cmocka_unit_test(ranks_may_come_in_any_order),
        cmocka_unit_test(packed_sketches_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

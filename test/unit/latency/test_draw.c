/*
 * Draws must not change from release to release: a seed in somebody's notes stays worth something.
 * The bits are those of Philox4x32-10's counter (ordinal, rule, purpose), worked out here anew.
 */
#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "latency/draw.h"

static struct law *law_of(const char *text)
{
    struct law_limits limits = {.max_delay_ns = INT64_C(60000000000)};
    struct law *law = NULL;
    assert_int_equal(law_parse(span_from_string(text), &limits, &law, NULL), 0);
    return law;
}

/* Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", written down from the paper. */
static void philox(uint32_t counter[4], uint32_t key0, uint32_t key1)
{
    for (unsigned round = 0; round < 10; round++) {
        uint64_t a = UINT64_C(0xD2511F53) * counter[0];
        uint64_t b = UINT64_C(0xCD9E8D57) * counter[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ counter[1] ^ key0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ counter[3] ^ key1, (uint32_t)a};
        for (unsigned i = 0; i < 4; i++) {
            counter[i] = next[i];
        }
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
}

static void the_paper_s_known_answers_come_out(void **state)
{
    (void)state;
    uint32_t zero[4] = {0};
    philox(zero, 0, 0);
    assert_int_equal(zero[0], 0x6627e8d5);
    assert_int_equal(zero[3], 0x9b00dbd8);
}

static void delays_are_the_law_s_quantiles_of_the_bits(void **state)
{
    (void)state;
    static const struct {
        uint64_t key;
        uint64_t ordinal;
        uint32_t rule;
    } cases[] = {
        {0, 0, 0},
        {1, 0, 0},
        {1, 1, 0},
        {1, 0, 1},
        {UINT64_C(0x123456789abcdef0), UINT64_C(0x1122334455667788), 0xcafe},
        {UINT64_MAX, UINT64_MAX, UINT32_MAX},
    };
    static const char *const laws[] = {"uniform(0s,2s)", "exp(150ms)", "pareto(10ms,1.5)"};
    for (size_t i = 0; i < ARRAY_LENGTH(laws); i++) {
        struct law *law = law_of(laws[i]);
        for (size_t k = 0; k < ARRAY_LENGTH(cases); k++) {
            uint64_t ordinal = cases[k].ordinal;
            uint32_t counter[4] = {(uint32_t)ordinal, (uint32_t)(ordinal >> 32), cases[k].rule,
                                   0 /* what a delay is for */};
            philox(counter, (uint32_t)cases[k].key, (uint32_t)(cases[k].key >> 32));
            uint64_t bits = (uint64_t)counter[1] << 32 | counter[0];
            double unit = ((double)(bits >> 12) + 0.5) / 4503599627370496.0;
            assert_int_equal(draw_delay_ns(law, cases[k].key, ordinal, cases[k].rule),
                             law_sample_ns(law, unit));
        }
        law_free(law);
    }
}

/* Noted once, from a uniform law, whose quantile needs no library function. */
static void noted_draws_stay_what_they_were(void **state)
{
    (void)state;
    struct law *law = law_of("uniform(0s,2s)");
    static const int64_t noted[] = {937173037,  654126762,  1316631054,
                                    1341279706, 1678090895, 586935737};
    for (size_t n = 0; n < ARRAY_LENGTH(noted); n++) {
        assert_int_equal(draw_delay_ns(law, 42, n, DRAW_DEFAULT_RULE), noted[n]);
    }
    law_free(law);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_paper_s_known_answers_come_out),
        cmocka_unit_test(delays_are_the_law_s_quantiles_of_the_bits),
        cmocka_unit_test(noted_draws_stay_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

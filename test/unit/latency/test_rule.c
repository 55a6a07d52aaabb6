#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "latency/rule.h"

#include <pthread.h>
#include <stdlib.h>

static struct law *law_of(const char *text)
{
    struct law_limits limits = {.max_delay_ns = INT64_C(60000000000)};
    struct law *law = NULL;
    assert_int_equal(law_parse(span_from_string(text), &limits, &law, NULL), 0);
    return law;
}

/* The rule keeps no definition's laws of its own: they stay the test's. */
static void init(struct rule *rule, struct law *law, uint64_t seed_key, uint32_t number)
{
    struct rule_definition definition = {.number = number, .share = {1, 0}, .delay = law};
    rule_init(rule, &definition, seed_key, 9);
}

static struct outcome draw(struct rule *rule)
{
    struct outcome outcome;
    rule_draw(rule, &outcome);
    assert_int_equal(outcome.rule, 9);
    return outcome;
}

static void none_is_no_delay_and_takes_no_ordinal(void **state)
{
    (void)state;
    struct law *law = law_of("none");
    struct rule rule;
    init(&rule, law, 1, DRAW_DEFAULT_RULE);
    for (unsigned i = 0; i < 3; i++) {
        struct outcome delay = draw(&rule);
        assert_int_equal(delay.delay_ns, RULE_NO_DELAY);
        assert_int_equal(delay.ordinal, 0);
    }
    assert_int_equal(rule.next_ordinal, 0);
    law_free(law);
}

static void a_constant_takes_no_ordinal(void **state)
{
    (void)state;
    static const struct {
        const char *law;
        int64_t delay_ns;
    } cases[] = {{"const(200ms)", 200000000}, {"const(0s)", 0}, {"const(1ns)", 1}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct law *law = law_of(cases[i].law);
        struct rule rule;
        init(&rule, law, 1, DRAW_DEFAULT_RULE);
        for (unsigned k = 0; k < 3; k++) {
            struct outcome delay = draw(&rule);
            assert_int_equal(delay.delay_ns, cases[i].delay_ns);
            assert_int_equal(delay.ordinal, 0);
        }
        assert_int_equal(rule.next_ordinal, 0);
        law_free(law);
    }
}

static void draw_n_is_a_function_of_seed_rule_and_n(void **state)
{
    (void)state;
    static const char *const laws[] = {"uniform(0s,2s)", "exp(150ms)", "lognormal(100ms,1s)",
                                       "mix(0.9:const(5ms),0.1:uniform(1s,2s))"};
    for (size_t i = 0; i < ARRAY_LENGTH(laws); i++) {
        struct law *law = law_of(laws[i]);
        struct rule rule;
        init(&rule, law, 42, 3);
        for (uint64_t n = 0; n < 1000; n++) {
            struct outcome delay = draw(&rule);
            assert_int_equal(delay.ordinal, n);
            assert_int_equal(delay.delay_ns, draw_delay_ns(law, 42, n, 3));
            assert_true(delay.delay_ns >= 0);
        }
        law_free(law);
    }
}

/* Of 100 draws: how many differ. Equal ones come up in a law of nanoseconds hardly ever. */
static unsigned differing(const struct law *law, uint64_t key, uint32_t rule, uint64_t other_key,
                          uint32_t other_rule)
{
    unsigned count = 0;
    for (uint64_t n = 0; n < 100; n++) {
        count += draw_delay_ns(law, key, n, rule) != draw_delay_ns(law, other_key, n, other_rule);
    }
    return count;
}

static void other_seeds_and_rules_draw_otherwise(void **state)
{
    (void)state;
    struct law *law = law_of("uniform(0s,2s)");
    assert_int_equal(differing(law, 1, 0, 1, 0), 0);
    assert_int_equal(differing(law, 1, 0, 2, 0), 100);
    assert_int_equal(differing(law, 1, 0, 1 | UINT64_C(1) << 40, 0), 100);
    assert_int_equal(differing(law, 1, 0, 1, 1), 100);
    law_free(law);
}

#define THREADS 4
#define DRAWS 5000

struct drawing {
    struct rule *rule;
    struct outcome delays[DRAWS];
};

static void *draw_many(void *argument)
{
    struct drawing *drawing = argument;
    for (unsigned i = 0; i < DRAWS; i++) {
        rule_draw(drawing->rule, &drawing->delays[i]);
    }
    return NULL;
}

/* Whoever draws: each ordinal once, and for each its own delay. */
static void threads_share_the_ordinals(void **state)
{
    (void)state;
    struct law *law = law_of("uniform(0s,2s)");
    static struct rule rule;
    init(&rule, law, 7, 0);
    static struct drawing drawings[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        drawings[i].rule = &rule;
        assert_int_equal(pthread_create(&threads[i], NULL, draw_many, &drawings[i]), 0);
    }
    static bool seen[THREADS * DRAWS];
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (unsigned k = 0; k < DRAWS; k++) {
            uint64_t ordinal = drawings[i].delays[k].ordinal;
            assert_true(ordinal < THREADS * DRAWS && !seen[ordinal]);
            seen[ordinal] = true;
            assert_int_equal(drawings[i].delays[k].delay_ns, draw_delay_ns(law, 7, ordinal, 0));
        }
    }
    assert_int_equal(rule.next_ordinal, THREADS * DRAWS);
    law_free(law);
}

/* What all workers write must not slow down what they read. */
static void the_ordinal_has_a_cache_line_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct rule, next_ordinal) % CACHE_LINE_BYTES, 0);
    assert_int_equal(sizeof(struct rule) % CACHE_LINE_BYTES, 0);
    assert_true(offsetof(struct rule, definition) < offsetof(struct rule, next_ordinal));
    assert_true(offsetof(struct rule, draws) < offsetof(struct rule, next_ordinal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_no_delay_and_takes_no_ordinal),
        cmocka_unit_test(a_constant_takes_no_ordinal),
        cmocka_unit_test(draw_n_is_a_function_of_seed_rule_and_n),
        cmocka_unit_test(other_seeds_and_rules_draw_otherwise),
        cmocka_unit_test(threads_share_the_ordinals),
        cmocka_unit_test(the_ordinal_has_a_cache_line_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "base/random.h"
#include "latency/fault.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static const char *errors_text(const struct fault_errors *errors)
{
    static char memory[512];
    struct buffer text = buffer_over(memory, sizeof memory - 1);
    buffer_append_errors(&text, errors);
    memory[text.length] = '\0';
    return memory;
}

static void errors_are_read_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
    } cases[] = {
        {"0", "0"},
        {"0.0", "0"},
        {"1", "1:500:1"},
        {"0.10", "0.1:500:1"},
        {"0.1:503", "0.1:503:1"},
        {"0.1:500:1,503:3", "0.1:500:1,503:3"},
        {"0.25:429:0.5,400", "0.25:429:0.5,400:1"},
        {"1:400,599", "1:400:1,599:1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct fault_errors errors, again;
        assert_int_equal(fault_errors_parse(span_from_string(cases[i].text), &errors, NULL), 0);
        assert_string_equal(errors_text(&errors), cases[i].canonical);
        char canonical[512];
        snprintf(canonical, sizeof canonical, "%s", errors_text(&errors));
        assert_int_equal(fault_errors_parse(span_from_string(canonical), &again, NULL), 0);
        assert_string_equal(errors_text(&again), cases[i].canonical);
    }
}

static void aborts_are_read_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
        enum outcome_abort place;
    } cases[] = {
        {"0", "0", OUTCOME_ABORT_BEFORE},
        {"0.5", "0.5:before", OUTCOME_ABORT_BEFORE},
        {"0.5:before", "0.5:before", OUTCOME_ABORT_BEFORE},
        {"1:head", "1:head", OUTCOME_ABORT_HEAD},
        {"0.125:body", "0.125:body", OUTCOME_ABORT_BODY},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct fault_abort abort;
        assert_int_equal(fault_abort_parse(span_from_string(cases[i].text), &abort, NULL), 0);
        assert_int_equal(abort.place, cases[i].place);
        char memory[64];
        struct buffer text = buffer_over(memory, sizeof memory - 1);
        buffer_append_abort(&text, &abort);
        memory[text.length] = '\0';
        assert_string_equal(memory, cases[i].canonical);
    }
}

static void what_is_wrong_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "expected a number"},
        {"x", "expected a number"},
        {"1.1", "from 0 to 1"},
        {"2", "from 0 to 1"},
        {"0.1%", "expected the end of the number"},
        {"0.1:", "expected a digit"},
        {"0.1:200", "from 400 to 599"},
        {"0.1:444", "not 444 or 499"},
        {"0.1:499", "not 444 or 499"},
        {"0.1:600", "from 400 to 599"},
        {"0.1:500,", "expected a digit"},
        {"0.1:500,,503", "expected a digit"},
        {"0.1:500:0", "a weight must be above 0"},
        {"0.1:500:", "expected a number"},
        {"0.1:500:1:2", "expected the end of the number"},
        {"1:500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500,500",
         "more than 16 codes"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct fault_errors errors;
        struct parse_error error;
        assert_int_equal(fault_errors_parse(span_from_string(cases[i].text), &errors, &error),
                         -EINVAL);
        if (strstr(error.message, cases[i].reason) == NULL) {
            fail_msg("'%s': %s", cases[i].text, error.message);
        }
    }
    struct fault_abort abort;
    assert_int_equal(fault_abort_parse(SPAN("0.1:tail"), &abort, NULL), -EINVAL);
    assert_int_equal(fault_abort_parse(SPAN("0.1:"), &abort, NULL), -EINVAL);
    assert_int_equal(fault_abort_parse(SPAN(":head"), &abort, NULL), -EINVAL);
}

static void never_and_always_are_exact(void **state)
{
    (void)state;
    struct fault_errors never, always;
    assert_int_equal(fault_errors_parse(SPAN("0"), &never, NULL), 0);
    assert_int_equal(fault_errors_parse(SPAN("1"), &always, NULL), 0);
    const double ends[] = {0x1p-53, 0.5, 1 - 0x1p-53};
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        assert_false(fault_happens(never.probability, ends[i]));
        assert_true(fault_happens(always.probability, ends[i]));
    }
}

#define DRAWS 200000
#define SIGMAS 4.9 /* one in a million by chance; the draws are fixed */

static void expect_share(unsigned count, unsigned of, double share)
{
    assert_true(fabs(count - of * share) <= SIGMAS * sqrt(of * share * (1 - share)));
}

static void probabilities_and_weights_are_met(void **state)
{
    (void)state;
    struct fault_errors errors;
    assert_int_equal(fault_errors_parse(SPAN("0.6:500:1,503:3,429:0.5"), &errors, NULL), 0);
    unsigned happened = 0, of_500 = 0, of_503 = 0, of_429 = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        happened += fault_happens(errors.probability, random_unit(random_draw(1, i, 0, 0)));
        uint16_t status = fault_errors_status(&errors, random_unit(random_draw(1, i, 0, 1)));
        of_500 += status == 500;
        of_503 += status == 503;
        of_429 += status == 429;
    }
    expect_share(happened, DRAWS, 0.6);
    assert_int_equal(of_500 + of_503 + of_429, DRAWS);
    expect_share(of_500, DRAWS, 1 / 4.5);
    expect_share(of_503, DRAWS, 3 / 4.5);
    expect_share(of_429, DRAWS, 0.5 / 4.5);
    assert_int_equal(fault_errors_status(&errors, 0x1p-53), 500);
    assert_int_equal(fault_errors_status(&errors, 1 - 0x1p-53), 429);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_read_and_printed),
        cmocka_unit_test(aborts_are_read_and_printed),
        cmocka_unit_test(what_is_wrong_is_refused_with_the_reason),
        cmocka_unit_test(never_and_always_are_exact),
        cmocka_unit_test(probabilities_and_weights_are_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

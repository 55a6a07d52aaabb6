#include "app_fixture.h"

#include "app/wish.h"
#include "latency/draw.h"

static const struct wish_limits limits = {
    .max_delay_ns = INT64_C(60000000000), .max_size = 1 << 20, .max_burn_ns = 100000000};

struct wished {
    struct app_fixture fixture;
    struct wish_laws laws;
    struct wish wish;
    struct parse_error error;
};

static int ask(struct wished *wished, const char *query, const char *fields)
{
    char line[2048];
    snprintf(line, sizeof line, "GET /%s%s", query[0] == '\0' ? "" : "?", query);
    fixture_parse(&wished->fixture, line, fields);
    wished->wish = (struct wish){0};
    wished->error = (struct parse_error){0};
    return wish_add_request(&wished->wish, &wished->fixture.request, &limits, &wished->laws,
                            &wished->error);
}

static struct outcome outcome_of(const struct wished *wished, uint64_t ordinal)
{
    struct outcome outcome = OUTCOME_PLAIN;
    wish_apply(&wished->wish, 77, ordinal, &outcome);
    return outcome;
}

static void parameters_and_fields_say_what_is_wished(void **state)
{
    (void)state;
    static struct wished wished;
    assert_int_equal(ask(&wished,
                         "other=1&delay=1.5&status=503&size=4KiB&drip=1s&bandwidth=2KiB&abort=head"
                         "&burn=5ms&x",
                         "Accept: */*\r\n"),
                     0);
    struct outcome outcome = outcome_of(&wished, 0);
    assert_int_equal(outcome.delay_ns, 1500000000);
    assert_false(outcome.drew);
    assert_int_equal(outcome.status, 503);
    assert_int_equal(outcome.size, 4096);
    assert_int_equal(outcome.drip_ns, 1000000000);
    assert_int_equal(outcome.bytes_per_second, 2048);
    assert_int_equal(outcome.abort, OUTCOME_ABORT_HEAD);
    assert_int_equal(outcome.burn_ns, 5000000);
    assert_false(wish_draws(&wished.wish));
    assert_int_equal(ask(&wished, "",
                         "X-Delay: 20ms\r\nx-status: 404\r\nx-size: 7\r\nX-DRIP: 1s\r\n"
                         "x-bandwidth: 1MiB\r\nx-abort: body\r\nx-burn: 0\r\n"),
                     0);
    outcome = outcome_of(&wished, 0);
    assert_int_equal(outcome.delay_ns, 20000000);
    assert_int_equal(outcome.status, 404);
    assert_int_equal(outcome.size, 7);
    assert_int_equal(wished.wish.asked, (1 << WISH_KINDS) - 1);
    wish_laws_clear(&wished.laws);
}

/* What nobody knows is nobody's wish; names of parameters are exact. */
static void other_names_are_not_looked_at(void **state)
{
    (void)state;
    static struct wished wished;
    static const char *const queries[] = {"",           "a",      "delay2=x",  "Delay=x",
                                          "delays=%41", "=delay", "%64elays=1"};
    for (size_t i = 0; i < ARRAY_LENGTH(queries); i++) {
        assert_int_equal(ask(&wished, queries[i], "x-delayed: x\r\nxx-delay: x\r\ndelay: x\r\n"),
                         0);
        assert_int_equal(wished.wish.asked, 0);
    }
    assert_int_equal(ask(&wished, "%64elay=1ms", ""), 0);
    assert_int_equal(outcome_of(&wished, 0).delay_ns, 1000000);
    wish_laws_clear(&wished.laws);
}

static void what_is_wrong_is_refused_by_name(void **state)
{
    (void)state;
    static struct wished wished;
    static const struct {
        const char *query, *fields, *said;
    } cases[] = {
        {"delay=61s", "", "delay: it is beyond the limit of 60s"},
        {"delay=uniform(0s,61s)", "", "delay: "},
        {"delay=file(/etc/passwd)", "", "delay: "},
        {"delay=", "", "delay: "},
        {"delay", "", "delay: it has no value"},
        {"delay=-1s", "", "delay: "},
        {"delay=%zz", "", "delay: "},
        {"a=%zz", "x-delay: 1s\r\n", NULL},
        {"%zz=1", "", "`%zz` has a %"},
        {"delay=1s&delay=1s", "", "delay: it is asked for twice"},
        {"delay=1s", "x-delay: 1s\r\n", "delay: it is asked for twice"},
        {"", "x-delay: 1s\r\nX-DELAY: 1s\r\n", "delay: it is asked for twice"},
        {"status=199", "", "status: a status is 200 to 599"},
        {"status=600", "", "status: "},
        {"status=0503", "", "status: "},
        {"status=499", "", "status: 444 and 499"},
        {"status=444", "", "status: 444 and 499"},
        {"status=503:x", "", "status: a weight"},
        {"status=503,", "", "status: "},
        {"status=503:0,500:0", "", "status: all weights are 0"},
        {"size=1048577", "", "size: it is beyond the limit of 1MiB"},
        {"size=uniform(1KiB,2MiB)", "", "size: "},
        {"size=1k", "", "size: "},
        {"drip=61s", "", "drip: it is beyond the limit of 60s"},
        {"bandwidth=1023", "", "bandwidth: it is below"},
        {"abort=later", "", "abort: an abort's place"},
        {"burn=101ms", "", "burn: it is beyond the limit of 100ms"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int result = ask(&wished, cases[i].query, cases[i].fields);
        if (cases[i].said == NULL) {
            assert_int_equal(result, 0);
        } else if (result == 0 || strstr(wished.error.message, cases[i].said) == NULL) {
            fail_msg("%s: %d %s", cases[i].query, result, wished.error.message);
        }
    }
    wish_laws_clear(&wished.laws);
}

static void draws_are_those_of_seed_and_ordinal(void **state)
{
    (void)state;
    static struct wished wished;
    assert_int_equal(
        ask(&wished, "delay=exp(100ms)&status=200:0.25,500:0.75&size=uniform(0,1KiB)", ""), 0);
    assert_true(wish_draws(&wished.wish));
    unsigned failed = 0;
    for (uint64_t ordinal = 0; ordinal < 1000; ordinal++) {
        struct outcome outcome = outcome_of(&wished, ordinal), again = outcome_of(&wished, ordinal);
        assert_memory_equal(&outcome, &again, sizeof outcome);
        assert_int_equal(outcome.ordinal, ordinal);
        assert_true(outcome.drew);
        assert_int_equal(outcome.delay_ns,
                         draw_delay_ns(wished.wish.delay, 77, ordinal, DRAW_REQUEST_RULE));
        assert_true(outcome.status == 200 || outcome.status == 500);
        assert_true(outcome.size <= 1024);
        failed += outcome.status == 500;
    }
    assert_in_range(failed, 700, 800);
    wish_laws_clear(&wished.laws);
}

/* More laws than are remembered, again and again, and two in one request. */
static void laws_are_remembered_and_forgotten(void **state)
{
    (void)state;
    static struct wished wished;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 1; i <= 3 * WISH_LAWS; i++) {
            char query[128];
            snprintf(query, sizeof query, "delay=exp(%ums)&size=uniform(0,%u)", i, 100 + i);
            assert_int_equal(ask(&wished, query, ""), 0);
            assert_true(law_mean_ns(wished.wish.delay) > i * 0.9e6);
            assert_true(law_quantile_ns(wished.wish.size, 1) == 100 + i);
        }
    }
    const struct law *known = wished.wish.delay;
    assert_int_equal(ask(&wished, "delay=exp(48ms)", ""), 0);
    assert_ptr_equal(wished.wish.delay, known);
    wish_laws_clear(&wished.laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_and_fields_say_what_is_wished),
        cmocka_unit_test(other_names_are_not_looked_at),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(draws_are_those_of_seed_and_ordinal),
        cmocka_unit_test(laws_are_remembered_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "rule_fixture.h"

#include "base/clock.h"
#include "latency/rule_book.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define FORMER 0
#define FIRST 1

static struct rule_book book;
static struct rule_reader reader;
static struct truth *truth;
static struct truth_worker *worker;

static struct rule_program program_of(const char *delay)
{
    return (struct rule_program){.index = fixture_definition(0, "/", delay)};
}

static int open_book(void **state)
{
    (void)state;
    struct truth_time started = truth_time_now();
    truth = truth_new(FIRST + RULE_BOOK_SLOTS, started);
    worker = truth_add_worker(truth);
    reader = (struct rule_reader){0};
    struct rule_book_settings settings = {.truth = truth,
                                          .started = started,
                                          .seed_key = FIXTURE_SEED_KEY,
                                          .first_slot = FIRST,
                                          .former_slot = FORMER};
    struct rule_program program = program_of("uniform(0s,1s)");
    assert_int_equal(rule_book_init(&book, &settings, &program), 0);
    assert_null(program.index.delay);
    rule_book_add_reader(&book, &reader);
    return 0;
}

static int close_book(void **state)
{
    (void)state;
    rule_book_destroy(&book);
    truth_free(truth);
    return 0;
}

static struct outcome choose(const char *line)
{
    struct outcome outcome = {0};
    const struct request *request = fixture_request(line, "");
    if (!rule_book_choose(&book, &reader, span_equals(request->path, SPAN("/")), request,
                          &outcome)) {
        outcome.rule = 0;
    }
    return outcome;
}

/* One request from its beginning to its end. */
static struct outcome serve(const char *line)
{
    struct outcome outcome = choose(line);
    assert_true(outcome.rule >= FIRST);
    truth_record(worker, outcome.rule, TRUTH_NOT_DRAWN, 0, 1);
    rule_book_end(&book, &reader, outcome.rule);
    return outcome;
}

static void load(const char *delay)
{
    struct rule_program program = program_of(delay);
    assert_int_equal(rule_book_load(&book, &program), 0);
}

static void a_rule_that_stays_goes_on(void **state)
{
    (void)state;
    struct outcome first = serve("GET /");
    assert_int_equal(first.ordinal, 0);
    load("uniform(0s,1s)");
    struct outcome second = serve("GET /");
    assert_int_equal(second.rule, first.rule);
    assert_int_equal(second.ordinal, 1);
    load("uniform(0s,2s)");
    struct outcome third = serve("GET /");
    assert_true(third.rule != first.rule);
    assert_int_equal(third.ordinal, 0);
    load("uniform(0s,1s)"); /* it comes back */
    struct outcome fourth = serve("GET /");
    assert_int_equal(fourth.rule, first.rule);
    assert_int_equal(fourth.ordinal, 2);
}

static void another_law_is_under_the_next_request(void **state)
{
    (void)state;
    struct law *law = fixture_law("const(5ms)", false);
    assert_int_equal(rule_book_set_law(&book, law), 0);
    law_free(law);
    assert_int_equal(serve("GET /").delay_ns, 5000000);
    law = fixture_law("const(6ms)", false);
    assert_int_equal(rule_book_set_law(&book, law), 0);
    law_free(law);
    assert_int_equal(serve("GET /").delay_ns, 6000000);
    load("none");
    assert_int_equal(serve("GET /").delay_ns, OUTCOME_NO_DELAY);
}

static uint64_t count_of(uint32_t slot)
{
    struct truth_question question = {0};
    struct truth_answer *answer = NULL;
    struct rule_views views;
    assert_int_equal(rule_book_ask(&book, &question, truth_time_now(), &answer, &views), 0);
    uint64_t count = truth_answer_count(answer, slot);
    truth_answer_free(answer);
    rule_book_release(&book, &views);
    return count;
}

static void the_oldest_slot_is_used_again(void **state)
{
    (void)state;
    struct outcome first = serve("GET /");
    for (unsigned i = 0; i < RULE_BOOK_SLOTS - 1; i++) {
        char delay[32];
        snprintf(delay, sizeof delay, "const(%uus)", i + 1);
        load(delay);
        (void)serve("GET /");
    }
    assert_int_equal(count_of(first.rule), 1);
    assert_int_equal(count_of(FORMER), 0);
    load("const(1s)");
    assert_int_equal(serve("GET /").rule, first.rule);
    assert_int_equal(count_of(first.rule), 1);
    assert_int_equal(count_of(FORMER), 1);
    assert_int_equal(count_of(TRUTH_ALL_SLOTS), RULE_BOOK_SLOTS + 1);
}

static void a_slot_in_use_is_not_taken(void **state)
{
    (void)state;
    struct outcome held[RULE_BOOK_SLOTS];
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        char delay[32];
        snprintf(delay, sizeof delay, "const(%uus)", i + 1);
        load(delay);
        held[i] = choose("GET /");
        if (i == RULE_BOOK_SLOTS - 2) {
            break; /* with the first rule's slot, which nobody waits for, all are taken */
        }
    }
    load("const(1s)"); /* the first rule's */
    struct outcome last = choose("GET /");
    struct rule_program program = program_of("const(2s)");
    assert_int_equal(rule_book_load(&book, &program), -EBUSY);
    assert_null(program.index.delay);
    assert_int_equal(choose("GET /").delay_ns, NS_PER_S); /* what was in force stays */
    struct law *law = fixture_law("const(3s)", false);
    assert_int_equal(rule_book_set_law(&book, law), -EBUSY);
    rule_book_end(&book, &reader, held[3].rule);
    assert_int_equal(rule_book_set_law(&book, law), 0);
    law_free(law);
    struct outcome next = choose("GET /");
    assert_int_equal(next.rule, held[3].rule);
    assert_int_equal(next.delay_ns, 3 * NS_PER_S);
    assert_int_not_equal(last.rule, next.rule);
}

static void the_scenario_moves_with_the_time(void **state)
{
    (void)state;
    struct rule_program program = program_of("none");
    program.phases = calloc(2, sizeof *program.phases);
    program.phase_count = 2;
    program.phases[0] = (struct scenario_phase){.name = "a", .for_ns = 10 * NS_PER_S};
    program.phases[1] = (struct scenario_phase){.name = "b", .for_ns = 10 * NS_PER_S};
    fixture_add(&program.phases[1].rules, RULE_NUMBER(2, 0), "/v*", "const(7ms)");
    fixture_add(&program.rules, RULE_NUMBER(0, 0), "/v", "const(8ms)");
    assert_int_equal(rule_book_load(&book, &program), 0);
    struct truth_time now = book.scenario_began;
    assert_int_equal(rule_book_tick(&book, now), now.monotonic_ns + 10 * NS_PER_S);
    assert_int_equal(serve("GET /v").delay_ns, 8000000);
    assert_int_equal(choose("GET /very").rule, 0);
    now.monotonic_ns += 10 * NS_PER_S;
    assert_int_equal(rule_book_tick(&book, now), now.monotonic_ns + 10 * NS_PER_S);
    assert_int_equal(serve("GET /v").delay_ns, 7000000);
    now.monotonic_ns += 10 * NS_PER_S;
    assert_int_equal(rule_book_tick(&book, now), INT64_MAX);
    assert_int_equal(serve("GET /v").delay_ns, 8000000);
}

static atomic_bool stopping;
static atomic_bool serving;

static void *serve_all(void *argument)
{
    uint64_t *count = argument;
    static struct request request;
    request = *fixture_request("GET /", "");
    atomic_store(&serving, true);
    while (!atomic_load(&stopping)) {
        struct outcome outcome;
        assert_true(rule_book_choose(&book, &reader, true, &request, &outcome));
        truth_record(worker, outcome.rule, outcome.delay_ns, outcome.delay_ns, 1);
        rule_book_end(&book, &reader, outcome.rule);
        ++*count;
    }
    return NULL;
}

static void rules_change_under_a_reader(void **state)
{
    (void)state;
    uint64_t count = 0;
    pthread_t thread;
    atomic_store(&stopping, false);
    assert_int_equal(pthread_create(&thread, NULL, serve_all, &count), 0);
    while (!atomic_load(&serving)) {
        sched_yield(); /* on a busy machine all could else be loaded before anything is served */
    }
    for (unsigned i = 0; i < 300; i++) {
        char delay[32];
        snprintf(delay, sizeof delay, "uniform(0s,%uus)", i + 1);
        load(delay);
        if (i % 50 == 0) {
            (void)count_of(FORMER);
        }
    }
    atomic_store(&stopping, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(count_of(TRUTH_ALL_SLOTS), count);
}

#define BOOK_TEST(test) cmocka_unit_test_setup_teardown(test, open_book, close_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOOK_TEST(a_rule_that_stays_goes_on),
        BOOK_TEST(another_law_is_under_the_next_request),
        BOOK_TEST(the_oldest_slot_is_used_again),
        BOOK_TEST(a_slot_in_use_is_not_taken),
        BOOK_TEST(the_scenario_moves_with_the_time),
        BOOK_TEST(rules_change_under_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/random.h"
#include "net/timeout_wheel.h"

#define TICK TIMEOUT_WHEEL_TICK_NS
#define KEYS 200
#define START (1234567 * TICK + 17) /* a machine that has been up for a day */
#define NEVER INT64_MAX

/* The owner of all keys: their true deadlines, which it may move without telling the wheel. */
struct owner {
    struct timeout_wheel wheel;
    int64_t deadlines_ns[KEYS]; /* NEVER: no timeout */
    unsigned asked[KEYS];
    unsigned expired[KEYS];
    int64_t latest_ns;    /* the longest that a key expired behind its deadline */
    bool asked_too_early; /* a key was asked before it had to be */
};

static struct owner owner;

static void begin(int64_t now_ns)
{
    owner = (struct owner){0};
    assert_int_equal(timeout_wheel_init(&owner.wheel, KEYS, now_ns), 0);
    for (unsigned key = 0; key < KEYS; key++) {
        owner.deadlines_ns[key] = NEVER;
    }
}

static void end(void)
{
    timeout_wheel_destroy(&owner.wheel);
}

static void set(uint32_t key, int64_t deadline_ns)
{
    owner.deadlines_ns[key] = deadline_ns;
    timeout_wheel_ask_by(&owner.wheel, key, deadline_ns);
}

static int64_t ask(void *context, uint32_t key, int64_t now_ns)
{
    assert_ptr_equal(context, &owner);
    assert_true(key < KEYS);
    owner.asked[key]++;

    int64_t deadline_ns = owner.deadlines_ns[key];
    if (deadline_ns > now_ns) {
        owner.asked_too_early |= deadline_ns != NEVER;
        return deadline_ns;
    }
    if (now_ns - deadline_ns > owner.latest_ns) {
        owner.latest_ns = now_ns - deadline_ns;
    }
    owner.expired[key]++;
    owner.deadlines_ns[key] = NEVER;
    return NEVER;
}

static void run(int64_t now_ns)
{
    timeout_wheel_run(&owner.wheel, now_ns, ask, &owner);
    assert_true(timeout_wheel_next_ns(&owner.wheel) > now_ns);
}

/* Sleeps as a loop does: until the wheel has something to do, and never longer. */
static int64_t run_until_empty(int64_t now_ns)
{
    for (;;) {
        int64_t next_ns = timeout_wheel_next_ns(&owner.wheel);
        if (next_ns == NEVER) {
            assert_int_equal(owner.wheel.count, 0);
            return now_ns;
        }
        assert_true(next_ns > now_ns);
        now_ns = next_ns;
        run(now_ns);
    }
}

/* Within the wheel's reach a key is asked once, at a tick behind its deadline. */
static void asks_once_and_never_early(void **state)
{
    (void)state;
    const int64_t reach_ns = (TIMEOUT_WHEEL_SLOTS - 3) * TICK;
    begin(START);
    for (uint32_t key = 5; key < KEYS; key++) {
        uint64_t random = random_u64(random_draw(3, key, 0, 0));
        set(key, START + (int64_t)(random % (uint64_t)reach_ns));
    }
    set(0, START);
    set(1, START + 1);
    set(2, (START / TICK + 5) * TICK);     /* on a tick */
    set(3, (START / TICK + 5) * TICK - 1); /* just before it */
    set(4, START + reach_ns);
    run_until_empty(START);
    assert_false(owner.asked_too_early);
    for (uint32_t key = 0; key < KEYS; key++) {
        assert_int_equal(owner.expired[key], 1);
        assert_int_equal(owner.asked[key], 1);
    }
    assert_true(owner.latest_ns <= 2 * TICK);
    end();
}

/*
 * Owners that set, move later (silently), move earlier (telling the wheel), drop and take out
 * their timeouts at random, while time goes on as the wheel asks, with some more now and then.
 */
static void run_random(uint64_t seed, int64_t max_timeout_ns, unsigned extra_ticks)
{
    begin(START);
    int64_t now_ns = START, longest_sleep_ns = 0;
    unsigned set_count = 0, expected_gone = 0;
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t random = random_u64(random_draw(seed, step, 0, 0));
        uint32_t key = (uint32_t)random % KEYS;
        int64_t deadline_ns = now_ns + 1 + (int64_t)((random >> 20) % (uint64_t)max_timeout_ns);
        unsigned action = (unsigned)(random >> 60);
        if (action < 6) {
            expected_gone += owner.deadlines_ns[key] != NEVER;
            set(key, deadline_ns);
            set_count++;
        } else if (action < 10 && owner.deadlines_ns[key] != NEVER) {
            owner.deadlines_ns[key] += (int64_t)((random >> 20) % (uint64_t)max_timeout_ns);
        } else if (action < 11) {
            timeout_wheel_remove(&owner.wheel, key);
            expected_gone += owner.deadlines_ns[key] != NEVER;
            owner.deadlines_ns[key] = NEVER;
        } else if (action < 12) { /* no timeout any more; the wheel will ask in vain */
            expected_gone += owner.deadlines_ns[key] != NEVER;
            owner.deadlines_ns[key] = NEVER;
        } else {
            int64_t next_ns = timeout_wheel_next_ns(&owner.wheel);
            int64_t late_ns = (int64_t)(random >> 20) % (1 + extra_ticks * TICK);
            now_ns = (next_ns == NEVER ? now_ns : next_ns) + late_ns;
            longest_sleep_ns = late_ns > longest_sleep_ns ? late_ns : longest_sleep_ns;
            run(now_ns);
            for (uint32_t i = 0; i < KEYS; i++) {
                assert_true(owner.deadlines_ns[i] > now_ns - TICK);
            }
        }
    }
    run_until_empty(now_ns);
    assert_true(owner.latest_ns <= 2 * TICK + longest_sleep_ns);
    unsigned expired = 0;
    for (uint32_t key = 0; key < KEYS; key++) {
        expired += owner.expired[key];
    }
    assert_int_equal(expired + expected_gone, set_count);
    end();
}

static void is_at_most_two_ticks_late(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        run_random(seed, 10 * TICK, 0);
        run_random(seed, 300 * TICK, 0);
        run_random(seed, 3000 * TICK, 0); /* several turns of the wheel */
        run_random(seed, 300 * TICK, 3);
        run_random(seed, 1500 * TICK, 700); /* stops longer than a turn */
    }
}

static void far_deadlines_cost_few_asks(void **state)
{
    (void)state;
    const int64_t day_ns = 24 * 3600 * INT64_C(1000000000);
    begin(START);
    set(5, START + day_ns);
    run_until_empty(START);
    assert_int_equal(owner.expired[5], 1);
    assert_true(owner.latest_ns <= 2 * TICK);
    /* About one ask for each turn of the wheel. */
    assert_true(owner.asked[5] <= day_ns / ((TIMEOUT_WHEEL_SLOTS - 2) * TICK) + 2);
    end();
}

/* A stop of any length: what has passed expires in the first run, what has not stays. */
static void survives_a_long_stop(void **state)
{
    (void)state;
    static const int64_t stops[] = {509, 510, 511, 512, 513, 514, 1023, 1024, 1025, 5000, 1000000};
    for (size_t i = 0; i < ARRAY_LENGTH(stops); i++) {
        for (int64_t lead = -2; lead <= 2; lead++) {
            begin(START);
            int64_t back_ns = START + stops[i] * TICK;
            for (uint32_t key = 0; key < 100; key++) {
                set(key, START + key * 5 * TICK);
            }
            set(100, back_ns + lead * TICK);
            set(101, back_ns + 100 * TICK);
            set(102, back_ns + 5000 * TICK);
            run(back_ns);
            for (uint32_t key = 0; key < 100; key++) {
                bool passed = START + key * 5 * TICK <= back_ns - TICK;
                assert_true(owner.expired[key] == 1 || !passed);
            }
            assert_true(owner.expired[100] == (lead <= -1) || lead == 0); /* 0: just now */
            assert_int_equal(owner.expired[101] + owner.expired[102], 0);
            run_until_empty(back_ns);
            for (uint32_t key = 0; key <= 102; key++) {
                assert_int_equal(owner.expired[key], 1);
            }
            end();
        }
    }
}

static void an_earlier_deadline_is_taken_over_and_a_later_one_is_not(void **state)
{
    (void)state;
    begin(START);
    set(1, START + 100 * TICK);
    int64_t next_ns = timeout_wheel_next_ns(&owner.wheel);
    timeout_wheel_ask_by(&owner.wheel, 1, START + 200 * TICK);
    assert_true(timeout_wheel_next_ns(&owner.wheel) == next_ns);
    timeout_wheel_ask_by(&owner.wheel, 1, START + 50 * TICK);
    assert_true(timeout_wheel_next_ns(&owner.wheel) <= START + 52 * TICK);
    assert_int_equal(owner.wheel.count, 1);
    timeout_wheel_ask_by(&owner.wheel, 1, START - 50 * TICK); /* past: at the next tick */
    assert_true(timeout_wheel_next_ns(&owner.wheel) <= START + 2 * TICK);
    timeout_wheel_remove(&owner.wheel, 1);
    timeout_wheel_remove(&owner.wheel, 1);
    assert_int_equal(owner.wheel.count, 0);
    run(START + 1000 * TICK); /* until then it may not know that nothing is left */
    assert_int_equal(owner.asked[1], 0);
    assert_true(timeout_wheel_next_ns(&owner.wheel) == NEVER);
    end();
}

/* A key that expires may take out or set any other, those of its own tick among them. */
static int64_t ask_and_meddle(void *context, uint32_t key, int64_t now_ns)
{
    int64_t deadline_ns = ask(context, key, now_ns);
    for (uint32_t other = key + 1; other < key + 4 && other < KEYS; other++) {
        timeout_wheel_remove(&owner.wheel, other);
        owner.deadlines_ns[other] = NEVER;
    }
    if (key + 4 < KEYS) {
        set(key + 4, now_ns);
    }
    return deadline_ns;
}

static void owners_may_change_the_wheel_while_asked(void **state)
{
    (void)state;
    begin(START);
    for (uint32_t key = 0; key < KEYS; key++) {
        set(key, START + 10 * TICK);
    }
    int64_t now_ns = START;
    while (owner.wheel.count > 0) {
        now_ns = timeout_wheel_next_ns(&owner.wheel);
        timeout_wheel_run(&owner.wheel, now_ns, ask_and_meddle, &owner);
        assert_true(now_ns < START + 1000 * TICK);
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        assert_true(owner.deadlines_ns[key] == NEVER);
    }
    assert_true(owner.expired[KEYS - 1] > 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_once_and_never_early),
        cmocka_unit_test(is_at_most_two_ticks_late),
        cmocka_unit_test(far_deadlines_cost_few_asks),
        cmocka_unit_test(survives_a_long_stop),
        cmocka_unit_test(an_earlier_deadline_is_taken_over_and_a_later_one_is_not),
        cmocka_unit_test(owners_may_change_the_wheel_while_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

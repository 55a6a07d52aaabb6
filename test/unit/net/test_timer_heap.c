#include "../cmocka_includes.h"

#include "base/random.h"
#include "net/timer_heap.h"

#define ABSENT INT64_MIN
#define MAX_KEYS 1000

/* What the heap should hold: each key's deadline. Finding the least takes long and no cleverness.
 */
struct model {
    int64_t deadlines_ns[MAX_KEYS];
    uint32_t capacity, count;
};

static int64_t earliest_of(const struct model *model)
{
    int64_t earliest = INT64_MAX;
    for (uint32_t key = 0; key < model->capacity; key++) {
        int64_t deadline_ns = model->deadlines_ns[key];
        if (deadline_ns != ABSENT && deadline_ns < earliest) {
            earliest = deadline_ns;
        }
    }
    return earliest;
}

static void check_same(const struct timer_heap *heap, const struct model *model)
{
    assert_int_equal(heap->count, model->count);
    assert_true(timer_heap_earliest_ns(heap) == earliest_of(model));
}

static void insert(struct timer_heap *heap, struct model *model, uint32_t key, int64_t deadline_ns)
{
    if (model->deadlines_ns[key] != ABSENT) {
        timer_heap_remove(heap, key);
        model->count--;
    }
    timer_heap_insert(heap, key, deadline_ns);
    model->deadlines_ns[key] = deadline_ns;
    model->count++;
}

static void remove_key(struct timer_heap *heap, struct model *model, uint32_t key)
{
    timer_heap_remove(heap, key);
    model->count -= model->deadlines_ns[key] != ABSENT;
    model->deadlines_ns[key] = ABSENT;
}

static bool pop(struct timer_heap *heap, struct model *model, int64_t now_ns)
{
    uint32_t key = UINT32_MAX;
    int64_t earliest = earliest_of(model);
    bool expected = model->count > 0 && earliest <= now_ns;
    assert_int_equal(timer_heap_pop_due(heap, now_ns, &key), expected);
    if (expected) {
        assert_true(key < model->capacity && model->deadlines_ns[key] == earliest);
        model->deadlines_ns[key] = ABSENT;
        model->count--;
    }
    return expected;
}

static void run_model(uint32_t capacity, int64_t deadline_range, uint64_t seed, unsigned steps)
{
    static struct model model;
    model.capacity = capacity;
    model.count = 0;
    for (uint32_t key = 0; key < capacity; key++) {
        model.deadlines_ns[key] = ABSENT;
    }
    struct timer_heap heap;
    assert_int_equal(timer_heap_init(&heap, capacity), 0);
    for (unsigned step = 0; step < steps; step++) {
        uint64_t random = random_u64(random_draw(seed, step, capacity, 0));
        uint32_t key = (uint32_t)(random >> 32) % capacity;
        int64_t time_ns = (int64_t)(random & UINT32_MAX) % deadline_range;
        unsigned inserts_of_ten = step / (steps / 10) % 2 == 0 ? 6 : 3;
        if (random >> 60 < inserts_of_ten) {
            insert(&heap, &model, key, time_ns);
        } else if (random >> 60 < 10) {
            remove_key(&heap, &model, key);
        } else {
            pop(&heap, &model, time_ns);
        }
        check_same(&heap, &model);
    }
    while (pop(&heap, &model, INT64_MAX)) {
        check_same(&heap, &model);
    }
    assert_int_equal(model.count, 0);
    timer_heap_destroy(&heap);
    timer_heap_destroy(&heap); /* as after a failed start */
}

static void does_what_a_plain_search_does(void **state)
{
    (void)state;
    static const uint32_t capacities[] = {1, 2, 4, 5, 6, 21, 22, 85, 300, MAX_KEYS};
    for (size_t i = 0; i < ARRAY_LENGTH(capacities); i++) {
        for (uint64_t seed = 1; seed <= 3; seed++) {
            run_model(capacities[i], 40, seed, 4000); /* many equal deadlines */
            run_model(capacities[i], 1000000000, seed, 4000);
        }
    }
}

static void deadlines_come_out_in_order(void **state)
{
    (void)state;
    struct timer_heap heap;
    assert_int_equal(timer_heap_init(&heap, 100000), 0);
    for (uint32_t key = 0; key < 100000; key++) {
        timer_heap_insert(&heap, key, (int64_t)(random_u64(random_draw(7, key, 0, 0)) >> 2));
    }
    int64_t previous = INT64_MIN;
    uint32_t popped = 0, key = 0;
    for (;;) {
        int64_t earliest = timer_heap_earliest_ns(&heap);
        assert_true(earliest >= previous);
        previous = earliest;
        if (!timer_heap_pop_due(&heap, earliest, &key)) {
            break;
        }
        popped++;
        assert_true((int64_t)(random_u64(random_draw(7, key, 0, 0)) >> 2) == earliest);
    }
    assert_int_equal(popped, 100000);
    timer_heap_destroy(&heap);
}

static void nothing_is_due_before_its_time(void **state)
{
    (void)state;
    struct timer_heap heap;
    uint32_t key = 99;
    assert_int_equal(timer_heap_init(&heap, 4), 0);
    assert_true(timer_heap_earliest_ns(&heap) == INT64_MAX);
    timer_heap_insert(&heap, 3, 1000);
    assert_false(timer_heap_pop_due(&heap, 999, &key));
    assert_int_equal(key, 99);
    assert_true(timer_heap_pop_due(&heap, 1000, &key));
    assert_int_equal(key, 3);
    timer_heap_insert(&heap, 3, 5); /* the key is free again */
    timer_heap_remove(&heap, 3);
    timer_heap_remove(&heap, 3);
    assert_int_equal(heap.count, 0);
    timer_heap_destroy(&heap);
}

/* "All that there is": the end of time as `now` must not find anything in an empty heap. */
static void the_end_of_time_empties_it_and_no_more(void **state)
{
    (void)state;
    struct timer_heap heap;
    uint32_t key = 99;
    assert_int_equal(timer_heap_init(&heap, 4), 0);
    assert_false(timer_heap_pop_due(&heap, INT64_MAX, &key));
    timer_heap_insert(&heap, 2, INT64_MAX);
    assert_true(timer_heap_pop_due(&heap, INT64_MAX, &key));
    assert_int_equal(key, 2);
    assert_false(timer_heap_pop_due(&heap, INT64_MAX, &key));
    assert_int_equal(heap.count, 0);
    timer_heap_destroy(&heap);
}

static void siblings_share_a_cache_line(void **state)
{
    (void)state;
    struct timer_heap heap;
    assert_int_equal(timer_heap_init(&heap, 100), 0);
    for (uint32_t parent = 0; parent < 24; parent++) {
        uintptr_t first = (uintptr_t)&heap.entries[4 * parent + 1];
        uintptr_t last = (uintptr_t)&heap.entries[4 * parent + 4] + sizeof(struct timer_entry) - 1;
        assert_int_equal(first / CACHE_LINE_BYTES, last / CACHE_LINE_BYTES);
    }
    timer_heap_destroy(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_a_plain_search_does),
        cmocka_unit_test(deadlines_come_out_in_order),
        cmocka_unit_test(nothing_is_due_before_its_time),
        cmocka_unit_test(the_end_of_time_empties_it_and_no_more),
        cmocka_unit_test(siblings_share_a_cache_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

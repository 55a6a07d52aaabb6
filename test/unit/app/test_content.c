#include "../cmocka_includes.h"

#include "app/content.h"
#include "base/clock.h"
#include "base/compiler.h"

#include <errno.h>
#include <stdlib.h>

#define START_NS INT64_C(1000000)

struct taken {
    char *bytes;
    size_t length;
    int64_t ended_ns; /* since the start */
    unsigned pauses;
};

/* Pulls to the end, at the moments that the source asks for, `piece` bytes at a time. */
static struct taken take_all(const struct content_plan *plan, struct span kept, size_t piece)
{
    struct contents contents;
    assert_int_equal(contents_init(&contents, 1), 0);
    char head[256];
    struct buffer output = buffer_over(head, sizeof head);
    struct exchange exchange = {.method = METHOD_GET, .keep_alive = true, .kept = kept};
    struct response_clock clock = {0};
    struct response response = {&output, &exchange, &clock};
    content_finish(&contents, &response, plan);
    struct content_source *source = &exchange.source;
    assert_int_equal(source->length, plan->length);
    struct taken taken = {.bytes = malloc(plan->length + piece)};
    struct content_pace pace = {.now_ns = START_NS, .kept = kept};
    ssize_t got = 0;
    while ((got = source->pull(source->context, taken.bytes + taken.length, piece, &pace)) != 0) {
        if (got == -EAGAIN) {
            assert_true(pace.resume_ns > pace.now_ns);
            pace.now_ns = pace.resume_ns;
            taken.pauses++;
            continue;
        }
        assert_true(got > 0);
        taken.length += (size_t)got;
    }
    taken.ended_ns = pace.now_ns - START_NS;
    source->close(source->context, true);
    assert_int_equal(contents.slab.in_use, 0);
    contents_destroy(&contents);
    assert_int_equal(taken.length, plan->length);
    return taken;
}

static void content_is_the_same_however_it_is_pulled(void **state)
{
    (void)state;
    static char kept[5000];
    memset(kept, 'k', sizeof kept);
    kept[4999] = 'z';
    for (enum content_kind kind = CONTENT_KEPT; kind <= CONTENT_RANDOM; kind++) {
        struct content_plan plan = {.kind = kind, .length = 5000, .seed = 9};
        struct taken whole = take_all(&plan, span_of(kept, 5000), 16384);
        struct taken pieces = take_all(&plan, span_of(kept, 5000), 7);
        assert_memory_equal(whole.bytes, pieces.bytes, 5000);
        assert_int_equal(whole.ended_ns, 0);
        plan.seed = 10;
        struct taken other = take_all(&plan, span_of(kept, 5000), 1000);
        bool same = memcmp(whole.bytes, other.bytes, 5000) == 0;
        assert_int_equal(same, kind != CONTENT_RANDOM);
        free(whole.bytes);
        free(pieces.bytes);
        free(other.bytes);
    }
}

static void a_drip_takes_its_time_and_not_more(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 2, 10, 1000, 1000000};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        struct content_plan plan = {
            .kind = CONTENT_STARS, .length = lengths[i], .drip_ns = 2 * NS_PER_S};
        struct taken taken = take_all(&plan, SPAN(""), 16384);
        assert_int_equal(taken.ended_ns, 2 * NS_PER_S);
        assert_in_range(taken.pauses, 1, 200); /* one for each tick at most */
        free(taken.bytes);
        assert_int_equal(content_due_bytes(&plan, 0), 0);
        assert_int_equal(content_due_bytes(&plan, 2 * NS_PER_S), lengths[i]);
        assert_int_equal(content_due_bytes(&plan, INT64_MAX), lengths[i]);
        for (uint64_t k = 1; k <= lengths[i]; k += 1 + lengths[i] / 100) {
            assert_true(content_due_bytes(&plan, content_due_ns(&plan, k)) >= k);
            assert_true(content_due_bytes(&plan, content_due_ns(&plan, k) - 1) < k);
        }
    }
}

static void bandwidth_is_kept_and_the_slower_counts(void **state)
{
    (void)state;
    struct content_plan plan = {
        .kind = CONTENT_LETTERS, .length = 100000, .bytes_per_second = 50000};
    struct taken taken = take_all(&plan, SPAN(""), 16384);
    assert_int_equal(taken.ended_ns, 2 * NS_PER_S);
    free(taken.bytes);
    plan.drip_ns = 5 * NS_PER_S;
    taken = take_all(&plan, SPAN(""), 16384);
    assert_int_equal(taken.ended_ns, 5 * NS_PER_S);
    free(taken.bytes);
    plan.drip_ns = NS_PER_S;
    taken = take_all(&plan, SPAN(""), 16384);
    assert_int_equal(taken.ended_ns, 2 * NS_PER_S);
    free(taken.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_the_same_however_it_is_pulled),
        cmocka_unit_test(a_drip_takes_its_time_and_not_more),
        cmocka_unit_test(bandwidth_is_kept_and_the_slower_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

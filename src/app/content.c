#include "app/content.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/random.h"

#include <errno.h>

/* Not more often than this is a slow body looked at: what is due by then goes together. */
#define TICK_NS (10 * NS_PER_MS)

struct content {
    uint32_t next_free; /* the slab's */
    bool started;
    int64_t started_ns;
    uint64_t sent;
    struct content_plan plan;
    struct contents *contents;
};

int contents_init(struct contents *contents, uint32_t capacity)
{
    return slab_init(&contents->slab, sizeof(struct content), capacity);
}

void contents_destroy(struct contents *contents)
{
    slab_destroy(&contents->slab);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t content_due_bytes(const struct content_plan *plan, int64_t elapsed_ns)
{
    uint64_t due = plan->length;
    unsigned __int128 elapsed = (unsigned __int128)elapsed_ns;
    if (plan->drip_ns > 0 && elapsed_ns < plan->drip_ns) {
        due = (uint64_t)(elapsed * plan->length / (uint64_t)plan->drip_ns);
    }
    if (plan->bytes_per_second > 0) {
        unsigned __int128 sent = elapsed * plan->bytes_per_second / (uint64_t)NS_PER_S;
        due = sent < due ? (uint64_t)sent : due;
    }
    return due;
}

static int64_t divide_up(unsigned __int128 dividend, uint64_t divisor)
{
    return (int64_t)((dividend + divisor - 1) / divisor);
}

int64_t content_due_ns(const struct content_plan *plan, uint64_t bytes)
{
    int64_t due_ns = 0;
    if (plan->drip_ns > 0) {
        due_ns = divide_up((unsigned __int128)bytes * (uint64_t)plan->drip_ns, plan->length);
    }
    if (plan->bytes_per_second > 0) {
        int64_t bandwidth_ns =
            divide_up((unsigned __int128)bytes * (uint64_t)NS_PER_S, plan->bytes_per_second);
        due_ns = bandwidth_ns > due_ns ? bandwidth_ns : due_ns;
    }
    return due_ns;
}

static void fill_random(uint64_t seed, uint64_t at, char *memory, size_t count)
{
    struct random_bits bits = {{0}};
    uint64_t block = UINT64_MAX;
    for (size_t i = 0; i < count; i++, at++) {
        if (at / sizeof bits != block) {
            block = at / sizeof bits;
            bits = random_draw(seed, block, 0, 0);
        }
        memory[i] = (char)(bits.word[at % sizeof bits / 4] >> (at % 4 * 8));
    }
}

static void fill(const struct content *content, struct span kept, char *memory, size_t count)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz\n";
    switch (content->plan.kind) {
    case CONTENT_KEPT:
        memcpy(memory, kept.data + content->sent, count);
        break;
    case CONTENT_RANDOM:
        fill_random(content->plan.seed, content->sent, memory, count);
        break;
    case CONTENT_STARS:
        memset(memory, '*', count);
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            memory[i] = letters[(content->sent + i) % (sizeof letters - 1)];
        }
        break;
    }
}

static ssize_t pull(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    struct content *content = context;
    const struct content_plan *plan = &content->plan;
    if (!content->started) {
        content->started = true;
        content->started_ns = pace->now_ns;
    }
    if (content->sent == plan->length) {
        return 0;
    }
    uint64_t due = content_due_bytes(plan, pace->now_ns - content->started_ns);
    if (due <= content->sent) {
        int64_t tick_ns = pace->now_ns + TICK_NS;
        int64_t last_ns = content->started_ns + content_due_ns(plan, plan->length);
        int64_t next_ns = content->started_ns + content_due_ns(plan, content->sent + 1);
        int64_t wanted_ns = next_ns > tick_ns ? next_ns : last_ns < tick_ns ? last_ns : tick_ns;
        pace->resume_ns = wanted_ns > pace->now_ns ? wanted_ns : pace->now_ns + 1;
        return -EAGAIN;
    }
    size_t count = (size_t)least(due - content->sent, capacity);
    fill(content, pace->kept, memory, count);
    content->sent += count;
    return (ssize_t)count;
}

static void close_content(void *context, bool whole)
{
    (void)whole;
    struct content *content = context;
    struct slab *slab = &content->contents->slab;
    slab_give(slab, (uint32_t)((size_t)((char *)content - slab->memory) / slab->object_bytes));
}

void content_finish(struct contents *contents, struct response *response,
                    const struct content_plan *plan)
{
    if (plan->length == 0) {
        response_finish(response, SPAN(""));
        return;
    }
    uint32_t index = slab_take(&contents->slab);
    ASSERT(index != SLAB_NONE); /* one for each connection */
    struct content *content = slab_at(&contents->slab, index);
    *content = (struct content){.plan = *plan, .contents = contents};
    response_finish_with_source(response, (struct content_source){
                                              .pull = pull,
                                              .close = close_content,
                                              .context = content,
                                              .length = plan->length,
                                              .uses_kept = plan->kind == CONTENT_KEPT,
                                          });
}

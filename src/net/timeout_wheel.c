#include "net/timeout_wheel.h"

#include "base/assert.h"
#include "base/reserve.h"

#include <errno.h>
#include <string.h>

#define NONE UINT32_MAX

struct timeout_link {
    uint32_t next;
    uint32_t previous;
    int64_t tick; /* the tick it is listed under; 0: not in the wheel */
};

int timeout_wheel_init(struct timeout_wheel *wheel, uint32_t capacity, int64_t now_ns)
{
    ASSERT(capacity > 0);
    *wheel = (struct timeout_wheel){
        .capacity = capacity,
        .next_tick = now_ns / TIMEOUT_WHEEL_TICK_NS + 1,
        .wake_tick = INT64_MAX,
    };
    memset(wheel->slots, 0xff, sizeof wheel->slots);
    wheel->links = reserve_memory(capacity * sizeof *wheel->links);
    return wheel->links == NULL ? -ENOMEM : 0;
}

void timeout_wheel_destroy(struct timeout_wheel *wheel)
{
    reserve_free(wheel->links, wheel->capacity * sizeof *wheel->links);
    *wheel = (struct timeout_wheel){0};
}

static unsigned slot_of(int64_t tick)
{
    return (unsigned)(tick % TIMEOUT_WHEEL_SLOTS);
}

void timeout_wheel_remove(struct timeout_wheel *wheel, uint32_t key)
{
    ASSERT(key < wheel->capacity);
    struct timeout_link *link = &wheel->links[key];
    if (link->tick == 0) {
        return;
    }
    unsigned slot = slot_of(link->tick);
    if (link->previous != NONE) {
        wheel->links[link->previous].next = link->next;
    } else {
        wheel->slots[slot] = link->next;
    }
    if (link->next != NONE) {
        wheel->links[link->next].previous = link->previous;
    }
    if (wheel->slots[slot] == NONE) {
        wheel->occupied[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    }
    link->tick = 0;
    wheel->count--;
}

void timeout_wheel_ask_by(struct timeout_wheel *wheel, uint32_t key, int64_t deadline_ns)
{
    ASSERT(key < wheel->capacity);
    struct timeout_link *link = &wheel->links[key];
    /* The first tick that ends after the deadline, or as far ahead as the wheel reaches: one slot
     * short of a full turn, so that a key put back from its own slot does not land there again. */
    int64_t tick = deadline_ns / TIMEOUT_WHEEL_TICK_NS + 1;
    int64_t furthest = wheel->next_tick + TIMEOUT_WHEEL_SLOTS - 2;
    tick = tick < wheel->next_tick ? wheel->next_tick : tick > furthest ? furthest : tick;
    if (link->tick != 0 && link->tick <= tick) {
        return;
    }
    timeout_wheel_remove(wheel, key);
    unsigned slot = slot_of(tick);
    link->tick = tick;
    link->previous = NONE;
    link->next = wheel->slots[slot];
    if (link->next != NONE) {
        wheel->links[link->next].previous = key;
    }
    wheel->slots[slot] = key;
    wheel->occupied[slot / 64] |= UINT64_C(1) << (slot % 64);
    wheel->wake_tick = tick < wheel->wake_tick ? tick : wheel->wake_tick;
    wheel->count++;
}

/* The first tick that a key is listed under, INT64_MAX for none. */
static int64_t first_listed_tick(const struct timeout_wheel *wheel)
{
    if (wheel->count == 0) {
        return INT64_MAX;
    }
    unsigned start = slot_of(wheel->next_tick);
    /* One word more than there are: the first is looked at from the start bit, then to it. */
    for (unsigned step = 0; step <= TIMEOUT_WHEEL_SLOTS / 64; step++) {
        unsigned word = (start / 64 + step) % (TIMEOUT_WHEEL_SLOTS / 64);
        uint64_t bits = wheel->occupied[word];
        if (step == 0) {
            bits &= UINT64_MAX << (start % 64);
        }
        if (bits != 0) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
            unsigned ahead = (slot - start) % TIMEOUT_WHEEL_SLOTS;
            return wheel->next_tick + ahead;
        }
    }
    ASSERT_UNREACHABLE("a key is in the wheel but no slot is occupied");
}

void timeout_wheel_run(struct timeout_wheel *wheel, int64_t now_ns,
                       int64_t (*ask)(void *context, uint32_t key, int64_t now_ns), void *context)
{
    int64_t current = now_ns / TIMEOUT_WHEEL_TICK_NS;
    if (current < wheel->wake_tick) {
        wheel->next_tick = current + 1; /* the slots before are empty */
        return;
    }
    if (current - wheel->next_tick >= TIMEOUT_WHEEL_SLOTS) {
        /* After a long stop (SIGSTOP, a suspended machine) each slot need be seen but once. */
        wheel->next_tick = current - TIMEOUT_WHEEL_SLOTS + 1;
    }
    while (wheel->next_tick <= current) {
        unsigned slot = slot_of(wheel->next_tick);
        /* From here on a key that is put back lands in a later slot, so this list only shrinks. */
        wheel->next_tick++;
        while (wheel->slots[slot] != NONE) {
            uint32_t key = wheel->slots[slot];
            timeout_wheel_remove(wheel, key);
            int64_t deadline_ns = ask(context, key, now_ns);
            if (deadline_ns != INT64_MAX) {
                timeout_wheel_ask_by(wheel, key, deadline_ns);
            }
        }
    }
    wheel->wake_tick = first_listed_tick(wheel);
}

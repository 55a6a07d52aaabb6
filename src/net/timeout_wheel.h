/*
 * Timeouts that nearly always do not expire (idle, head, body, write): a wheel of lists, one a
 * tick. A key's timeout may be moved later by its owner without telling the wheel: when the tick
 * comes, the owner is asked and says how long it still wants to wait. So a request on a busy
 * connection costs the wheel nothing. A timeout expires at its tick, never early and at most
 * two ticks late. One thread at a time.
 *
 * Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (scheme 4, with
 * lazy re-insertion in place of a hierarchy).
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define TIMEOUT_WHEEL_SLOTS 512
#define TIMEOUT_WHEEL_TICK_NS INT64_C(50000000)

struct timeout_link;

struct timeout_wheel {
    struct timeout_link *links; /* owned; by key */
    uint32_t capacity;
    uint32_t count;    /* keys in the wheel */
    int64_t next_tick; /* the tick that is handled next; tick t ends at t * TICK_NS */
    int64_t wake_tick; /* no key is listed under an earlier tick; INT64_MAX: none is at all */
    uint32_t slots[TIMEOUT_WHEEL_SLOTS]; /* first key of the slot's list, or UINT32_MAX */
    uint64_t occupied[TIMEOUT_WHEEL_SLOTS / 64];
};

/* Keys are 0 .. capacity - 1; `now_ns` is monotonic. Returns 0 or -ENOMEM. */
WARN_UNUSED int timeout_wheel_init(struct timeout_wheel *wheel, uint32_t capacity, int64_t now_ns);

void timeout_wheel_destroy(struct timeout_wheel *wheel);

/*
 * Makes sure that the key's owner is asked no later than about `deadline_ns`. When it already will
 * be asked earlier, nothing is done.
 */
void timeout_wheel_ask_by(struct timeout_wheel *wheel, uint32_t key, int64_t deadline_ns);

/* Takes the key out, if it is in. */
void timeout_wheel_remove(struct timeout_wheel *wheel, uint32_t key);

/*
 * When timeout_wheel_run may have something to do next: monotonic, INT64_MAX for never. It may turn
 * out to be too early when keys were taken out since.
 */
static inline int64_t timeout_wheel_next_ns(const struct timeout_wheel *wheel)
{
    return wheel->wake_tick == INT64_MAX ? INT64_MAX : wheel->wake_tick * TIMEOUT_WHEEL_TICK_NS;
}

/*
 * Asks the owners whose tick has come: `ask` returns the deadline that the key really has now;
 * when that is past, it must have dealt with it (the key is out of the wheel by then) and returns
 * INT64_MAX, as it does when the key has no timeout any more.
 */
void timeout_wheel_run(struct timeout_wheel *wheel, int64_t now_ns,
                       int64_t (*ask)(void *context, uint32_t key, int64_t now_ns), void *context);

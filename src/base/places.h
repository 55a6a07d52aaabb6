/*
 * A bounded number of places, all alike, that any thread may take and give back without waiting:
 * how many answers, or viewers, there may be at one time. The count may be read at any time.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

/* False when all `places` are taken, as it may seem for a moment when one is just being refused. */
static inline bool places_take(_Atomic unsigned *taken, unsigned places)
{
    if (atomic_fetch_add(taken, 1) < places) {
        return true;
    }
    atomic_fetch_sub(taken, 1);
    return false;
}

static inline void places_give(_Atomic unsigned *taken)
{
    atomic_fetch_sub(taken, 1);
}

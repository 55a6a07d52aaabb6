#include "meter/state_set.h"

#include "meter/handle.h"
#include "meter/name.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_STATES 64

int state_set_describe(struct meter_family *family, const struct meter_description *description,
                       struct meter_error *error)
{
    const char *const *states = description->states;
    unsigned count = 0;
    size_t bytes = 0;
    for (; states != NULL && states[count] != NULL; count++) {
        bytes += strlen(states[count]);
        if (count == MAX_STATES || !text_is_clean(span_from_string(states[count]))) {
            return meter_fail(error, -EINVAL, "%s: at most %d states, in UTF-8", description->name,
                              MAX_STATES);
        }
        for (unsigned i = 0; i < count; i++) {
            if (strcmp(states[i], states[count]) == 0) {
                return meter_fail(error, -EINVAL, "%s: the state \"%.80s\" is there twice",
                                  description->name, states[count]);
            }
        }
    }
    if (count == 0) {
        return meter_fail(error, -EINVAL, "%s: a state set needs states", description->name);
    }
    family->states = malloc(count * sizeof(struct span) + bytes);
    if (family->states == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    char *memory = (char *)(family->states + count);
    for (unsigned i = 0; i < count; i++) {
        size_t length = strlen(states[i]);
        memcpy(memory, states[i], length);
        family->states[i] = span_of(memory, length);
        memory += length;
    }
    family->state_count = count;
    family->series_bytes = sizeof(struct state_series);
    return 0;
}

void state_set_free(struct meter_family *family)
{
    free(family->states);
}

static uint64_t *word_of(struct series *series)
{
    return &((struct state_series *)(void *)series)->states;
}

uint64_t state_set_value(const struct series *series)
{
    return __atomic_load_n(&((const struct state_series *)(const void *)series)->states,
                           __ATOMIC_RELAXED);
}

static void touch(struct series *series)
{
    if (series->extra != NULL) {
        __atomic_fetch_or(&series->handle.flags, SERIES_TOUCHED, __ATOMIC_RELAXED);
    }
}

int meter_state_set_to(struct meter_state_set *state_set, unsigned state)
{
    struct series *series = series_of_state_set(state_set);
    if (series == NULL) {
        return 0;
    }
    if (state >= series->family->state_count) {
        return -EINVAL;
    }
    __atomic_store_n(word_of(series), UINT64_C(1) << state, __ATOMIC_RELAXED);
    touch(series);
    return 0;
}

int meter_state_set_enable(struct meter_state_set *state_set, unsigned state, bool on)
{
    struct series *series = series_of_state_set(state_set);
    if (series == NULL) {
        return 0;
    }
    if (state >= series->family->state_count) {
        return -EINVAL;
    }
    uint64_t bit = UINT64_C(1) << state;
    if (on) {
        __atomic_fetch_or(word_of(series), bit, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(word_of(series), ~bit, __ATOMIC_RELAXED);
    }
    touch(series);
    return 0;
}

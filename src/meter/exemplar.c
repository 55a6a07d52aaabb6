#include "meter/exemplar.h"

#include "base/assert.h"
#include "base/clock.h"
#include "meter/name.h"

#include <sched.h>
#include <stdlib.h>

struct exemplar_set {
    uint32_t busy; /* atomic: a lock that writers only try */
    uint32_t slots;
    struct exemplar exemplars[]; /* time_ns 0: none */
};

struct exemplar_set *exemplar_set_new(uint32_t slots)
{
    struct exemplar_set *set = calloc(1, sizeof *set + slots * sizeof set->exemplars[0]);
    if (set != NULL) {
        set->slots = slots;
    }
    return set;
}

void exemplar_set_free(struct exemplar_set *set)
{
    free(set);
}

static bool try_lock(struct exemplar_set *set)
{
    return __atomic_exchange_n(&set->busy, 1, __ATOMIC_ACQUIRE) == 0;
}

static void lock(struct exemplar_set *set)
{
    while (!try_lock(set)) {
        sched_yield();
    }
}

static void unlock(struct exemplar_set *set)
{
    __atomic_store_n(&set->busy, 0, __ATOMIC_RELEASE);
}

void exemplar_set_clear(struct exemplar_set *set)
{
    __atomic_store_n(&set->busy, 0, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < set->slots; i++) {
        set->exemplars[i].time_ns = 0;
    }
}

static bool is_acceptable(const struct meter_label *labels, size_t label_count)
{
    if (label_count > EXEMPLAR_MAX_LABELS || (label_count > 0 && labels == NULL)) {
        return false;
    }
    size_t code_points = 0;
    for (size_t i = 0; i < label_count; i++) {
        struct span name = span_of(labels[i].name.data, labels[i].name.length);
        struct span value = span_of(labels[i].value.data, labels[i].value.length);
        /* Lengths first: a code point has at most four bytes. */
        if (name.length > EXEMPLAR_MAX_BYTES || value.length > EXEMPLAR_MAX_BYTES ||
            !name_is_label(name) || !text_is_clean(value)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (span_equals(name, span_of(labels[j].name.data, labels[j].name.length))) {
                return false;
            }
        }
        code_points += text_code_points(name) + text_code_points(value);
    }
    return code_points <= EXEMPLAR_MAX_CODE_POINTS;
}

static void fill(struct exemplar *exemplar, double value, const struct meter_label *labels,
                 size_t label_count)
{
    exemplar->value = value;
    exemplar->time_ns = clock_realtime_ns();
    exemplar->label_count = (uint16_t)label_count;
    char *out = exemplar->text;
    for (size_t i = 0; i < label_count; i++) {
        exemplar->lengths[i][0] = (uint16_t)labels[i].name.length;
        exemplar->lengths[i][1] = (uint16_t)labels[i].value.length;
        memcpy(out, labels[i].name.data, labels[i].name.length);
        out += labels[i].name.length;
        if (labels[i].value.length > 0) {
            memcpy(out, labels[i].value.data, labels[i].value.length);
            out += labels[i].value.length;
        }
    }
}

void exemplar_keep(struct exemplar_set *set, uint32_t slot, double value,
                   const struct meter_label *labels, size_t label_count)
{
    if (set == NULL || !is_acceptable(labels, label_count) || !try_lock(set)) {
        return;
    }
    ASSERT(slot < set->slots);
    fill(&set->exemplars[slot], value, labels, label_count);
    unlock(set);
}

bool exemplar_copy(struct exemplar_set *set, uint32_t slot, struct exemplar *ret_exemplar)
{
    if (set == NULL || slot >= set->slots) {
        return false;
    }
    lock(set);
    bool exists = set->exemplars[slot].time_ns != 0;
    if (exists) {
        *ret_exemplar = set->exemplars[slot];
    }
    unlock(set);
    return exists;
}

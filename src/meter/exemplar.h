/*
 * Exemplars: for each bucket of a series the labels, value and time of its latest marked event.
 * One writer or reader at a time; a writer that finds the set busy drops its exemplar rather than
 * wait.
 */
#pragma once

#include "base/span.h"
#include "meter.h"

#include <stdbool.h>
#include <stdint.h>

#define EXEMPLAR_MAX_LABELS 16
#define EXEMPLAR_MAX_CODE_POINTS 128 /* OpenMetrics 1.0, section "Exemplars" */
#define EXEMPLAR_MAX_BYTES (4 * EXEMPLAR_MAX_CODE_POINTS)

struct exemplar {
    double value;
    int64_t time_ns; /* since 1970 */
    uint16_t label_count;
    uint16_t lengths[EXEMPLAR_MAX_LABELS][2]; /* of name and value */
    char text[EXEMPLAR_MAX_BYTES];            /* names and values, one after the other */
};

struct exemplar_set;

/* NULL when there is no memory. */
struct exemplar_set *exemplar_set_new(uint32_t slots);
void exemplar_set_free(struct exemplar_set *set);
void exemplar_set_clear(struct exemplar_set *set);

/* Keeps an exemplar, or drops it (see meter.h). `set` may be NULL. */
void exemplar_keep(struct exemplar_set *set, uint32_t slot, double value,
                   const struct meter_label *labels, size_t label_count);

/* Copies the slot's exemplar; false when it has none. `set` may be NULL. */
bool exemplar_copy(struct exemplar_set *set, uint32_t slot, struct exemplar *ret_exemplar);

/*
 * State sets: which of a few named states hold, one bit each.
 */
#pragma once

#include "meter/series.h"

WARN_UNUSED int state_set_describe(struct meter_family *family,
                                   const struct meter_description *description,
                                   struct meter_error *error);
void state_set_free(struct meter_family *family);

/* One bit for each state. */
uint64_t state_set_value(const struct series *series);

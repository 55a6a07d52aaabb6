/*
 * The registry's list of families, and making a family from its description.
 */
#pragma once

#include "meter/family.h"

/* Checks a description and makes a family of it, not yet in the list: 0 or a negative errno. */
WARN_UNUSED int family_make(struct meter *meter, const struct meter_description *description,
                            struct meter_family **ret_family, struct meter_error *error);

/* In order of names. Families are never removed; one made meanwhile may be seen or not. */
struct meter_family *meter_first_family(struct meter *meter);
struct meter_family *meter_next_family(struct meter_family *family);

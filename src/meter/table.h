/*
 * A family's hash table from label values to series: read without a lock inside a section, changed
 * under the family's lock. Linear probing; what is removed leaves a mark until the table is made
 * anew.
 */
#pragma once

#include "meter/series.h"

struct series_table {
    struct series_table *next; /* while retired */
    uint64_t retired_epoch;
    uint32_t mask;
    uint32_t used; /* slots that are not empty, marks included */
    struct series *slots[];
};

/* The hash of label values in the order of the description. */
uint64_t table_wide_hash(const struct meter_family *family, const struct value_list *values);
uint32_t table_hash(const struct meter_family *family, const struct value_list *values);

struct series *table_find(const struct series_table *table, const struct meter_family *family,
                          const struct value_list *values, uint32_t hash);

/* Makes room for one more series: 0 or -ENOMEM. May put the old table among the retired ones. */
WARN_UNUSED int table_reserve_locked(struct meter_family *family);

/* After table_reserve_locked(). */
void table_insert_locked(struct meter_family *family, struct series *series);
void table_remove_locked(struct meter_family *family, struct series *series);

/*
 * Summaries.
 */
#pragma once

#include "meter/snapshot.h"

WARN_UNUSED int summary_describe(struct meter_family *family,
                                 const struct meter_description *description,
                                 struct meter_error *error);
void summary_free(struct meter_family *family);
void summary_snapshot_take(struct snapshot *snapshot, struct series *series);

/*
 * Native histograms.
 */
#pragma once

#include "meter/snapshot.h"

struct native_shape;
struct native_snapshot;

WARN_UNUSED int native_describe(struct meter_family *family,
                                const struct meter_description *description,
                                struct meter_error *error);
void native_shape_free(struct native_shape *shape);
void native_observe(struct series *series, double value);
WARN_UNUSED int native_snapshot_reserve(struct native_snapshot **snapshot,
                                        const struct meter_family *family);
void native_snapshot_take_locked(struct snapshot *snapshot, struct series *series);
void native_snapshot_free(struct native_snapshot *snapshot);

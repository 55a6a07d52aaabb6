#include "meter/native.h"

#include <errno.h>

int native_describe(struct meter_family *family, const struct meter_description *description,
                    struct meter_error *error)
{
    (void)family;
    return meter_fail(error, -ENOTSUP, "%s: native not yet", description->name);
}
void native_shape_free(struct native_shape *shape)
{
    (void)shape;
}
void native_observe(struct series *series, double value)
{
    (void)series;
    (void)value;
}
int native_snapshot_reserve(struct native_snapshot **snapshot, const struct meter_family *family)
{
    (void)snapshot;
    (void)family;
    return 0;
}
void native_snapshot_take_locked(struct snapshot *snapshot, struct series *series)
{
    (void)snapshot;
    (void)series;
}
void native_snapshot_free(struct native_snapshot *snapshot)
{
    (void)snapshot;
}

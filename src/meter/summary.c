#include "meter/summary.h"

#include <errno.h>

int summary_describe(struct meter_family *family, const struct meter_description *description,
                     struct meter_error *error)
{
    (void)family;
    return meter_fail(error, -ENOTSUP, "%s: not yet", description->name);
}
void summary_free(struct meter_family *family)
{
    (void)family;
}
void summary_snapshot_take(struct snapshot *snapshot, struct series *series)
{
    (void)snapshot;
    (void)series;
}

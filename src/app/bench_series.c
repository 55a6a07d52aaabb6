#include "app/bench_series.h"

#include <errno.h>
#include <stdio.h>

int bench_series_register(struct meter *meter, unsigned count, struct meter_error *error)
{
    struct meter_family *family =
        meter_register(meter,
                       &(struct meter_description){
                           .type = METER_COUNTER,
                           .name = "httpserver_bench_series_total",
                           .help = "Not of a release: series that make a scrape long.",
                           .labels = METER_LABELS("series"),
                           .max_series = count,
                       },
                       error);
    if (family == NULL) {
        return -errno;
    }
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        struct meter_counter *series = meter_counter_get(family, METER_LABELS(name));
        if (series == NULL) {
            return -errno;
        }
        meter_counter_add(series, i);
    }
    return 0;
}

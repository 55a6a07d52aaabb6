/*
 * Series that stand for those of a big exporter, for script/bench: what a scrape of very many does
 * to requests. Only in builds with the option `bench_series`, which no release has.
 */
#pragma once

#include "base/compiler.h"
#include "meter.h"

/* Registers `httpserver_bench_series_total` with `count` series; at start. 0 or a negative errno.
 */
WARN_UNUSED int bench_series_register(struct meter *meter, unsigned count,
                                      struct meter_error *error);

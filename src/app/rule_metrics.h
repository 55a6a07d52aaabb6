/*
 * What the rules say of themselves on the metrics page: the latency that each route is expected to
 * have, for dashboards to draw over the measurement, and the scenario's phase.
 */
#pragma once

#include "base/compiler.h"
#include "latency/rule_book.h"
#include "meter.h"

/* `rules` must outlive the last scrape. 0 or a negative errno, with `error` filled. */
WARN_UNUSED int rule_metrics_register(struct meter *meter, struct rule_book *rules,
                                      struct meter_error *error);

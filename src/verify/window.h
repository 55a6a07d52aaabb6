/*
 * The window that is compared: ends where the servers' own window ends, and is read from both
 * sides until nothing moved in between. Private to src/verify.
 */
#pragma once

#include "verify/verification.h"

/* Why there is no window to compare; WINDOW_READ: there is. */
enum window_result {
    WINDOW_READ,
    WINDOW_PROMETHEUS_FAILED, /* prometheus.error says why */
    WINDOW_TRUTH_FAILED,      /* a server's truth_error says why */
    WINDOW_MOVED,             /* it kept moving while it was read */
};

/*
 * Reads for all servers with a truth: the truth anew (its window and list of scrapes), the stored
 * samples, the grid of quantiles, and PromQL's answers. Sets at, has_window, selector, the counts
 * and buckets of both sides, and the law_seconds, true_seconds, promql_seconds and expressions of
 * the comparisons.
 */
enum window_result window_read(struct verification *verification) WARN_UNUSED;

/* The rank of a point of the grid: 0 to 1, ascending, and closer towards 1. */
double verify_grid_rank(size_t index);

/*
 * The quantile, and the share at or below `seconds`, of what all servers served in the window:
 * linear between the grid's points, exact at them for one server.
 */
double window_true_quantile(const struct verification *verification, double rank);
double window_true_share(const struct verification *verification, double seconds);

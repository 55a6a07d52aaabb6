/*
 * The true distribution of the window, from a grid of each server's quantiles.
 */
#include "verify/window.h"

#include "base/assert.h"

#include <math.h>

/* Steps of the grid: the closer to 1, the finer, since there the questions are. */
static const struct {
    double first, step;
    size_t count;
} parts[] = {
    {0, 0.02, 40},      /* 0 to 0.78 */
    {0.8, 0.01, 15},    /* to 0.94 */
    {0.95, 0.0025, 16}, /* to 0.9875 */
    {0.99, 0.001, 10},  /* to 0.999 */
    {0.9991, 0.0001, 9} /* to 0.9999 */
};

double verify_grid_rank(size_t index)
{
    ASSERT(index < VERIFY_GRID);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (index < parts[i].count) {
            double rank = parts[i].first + parts[i].step * (double)index;
            return round(rank * 1e6) / 1e6;
        }
        index -= parts[i].count;
    }
    return 1;
}

/* The share of one server's requests at or below `seconds`. */
static double share_of(const struct server *server, double seconds)
{
    const double *grid = server->grid;
    if (seconds < grid[0]) {
        return 0;
    }
    for (size_t i = 1; i < VERIFY_GRID; i++) {
        if (seconds < grid[i]) {
            double width = grid[i] - grid[i - 1];
            double part = width > 0 ? (seconds - grid[i - 1]) / width : 1;
            double below = verify_grid_rank(i - 1);
            return below + part * (verify_grid_rank(i) - below);
        }
    }
    return 1;
}

double window_true_share(const struct verification *verification, double seconds)
{
    double total = 0;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (server->has_truth && server->truth.count > 0) {
            total += server->truth.count * share_of(server, seconds);
        }
    }
    return verification->true_count > 0 ? total / verification->true_count : (double)NAN;
}

static double quantile_of(const struct server *server, double rank)
{
    for (size_t i = 1; i < VERIFY_GRID; i++) {
        double upper = verify_grid_rank(i);
        if (rank <= upper) {
            double lower = verify_grid_rank(i - 1);
            double part = upper > lower ? (rank - lower) / (upper - lower) : 1;
            return server->grid[i - 1] + part * (server->grid[i] - server->grid[i - 1]);
        }
    }
    return server->grid[VERIFY_GRID - 1];
}

double window_true_quantile(const struct verification *verification, double rank)
{
    double lower = (double)INFINITY;
    double upper = 0;
    for (size_t i = 0; i < verification->server_count; i++) {
        const struct server *server = &verification->servers[i];
        if (server->has_truth && server->truth.count > 0) {
            double quantile = quantile_of(server, rank);
            lower = fmin(lower, quantile);
            upper = fmax(upper, quantile);
        }
    }
    if (!(lower <= upper)) {
        return (double)NAN;
    }
    /* The quantile of all lies between the servers' own. */
    for (unsigned step = 0; step < 60 && upper - lower > 1e-9 * upper; step++) {
        double middle = lower + (upper - lower) / 2;
        if (window_true_share(verification, middle) < rank) {
            lower = middle;
        } else {
            upper = middle;
        }
    }
    return upper;
}

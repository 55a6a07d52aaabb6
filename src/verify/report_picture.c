/*
 * Both distributions over a logarithmic axis of time: bars are what the stored buckets say, as
 * PromQL spreads it evenly inside each; the line is what was served. The height is the share of
 * requests per factor of two in time, so that areas are shares in both.
 */
#include "verify/report.h"

#include "verify/window.h"

#include <math.h>

#define WIDTH 900.0
#define HEIGHT 340.0
#define LEFT 10.0
#define BOTTOM 300.0
#define TOP 36.0
#define POINTS 360

struct axes {
    double first, last; /* log2 of seconds */
    double most;        /* height that is drawn at TOP */
};

static double x_of(const struct axes *axes, double log_seconds)
{
    return LEFT + (log_seconds - axes->first) / (axes->last - axes->first) * (WIDTH - 2 * LEFT);
}

static double y_of(const struct axes *axes, double height)
{
    return BOTTOM - height / axes->most * (BOTTOM - TOP);
}

static double seen_share(const struct verification *verification, double seconds)
{
    double count = verification->seen_count;
    for (size_t i = 0; i < verification->bound_count; i++) {
        double upper = verification->bounds[i];
        if (seconds <= upper) {
            double lower = i == 0 ? 0 : verification->bounds[i - 1];
            double below = i == 0 ? 0 : verification->seen_buckets[i - 1];
            double inside = verification->seen_buckets[i] - below;
            return (below + inside * (seconds - lower) / (upper - lower)) / count;
        }
    }
    return 1;
}

/* The height of one of both between two points of the axis. */
static double height(const struct verification *verification, bool truth, double from, double to)
{
    double low = exp2(from);
    double high = exp2(to);
    double share =
        truth ? window_true_share(verification, high) - window_true_share(verification, low)
              : seen_share(verification, high) - seen_share(verification, low);
    return fmax(share, 0) / (to - from);
}

static void write_outline(const struct verification *verification, const struct axes *axes,
                          bool truth, FILE *output)
{
    double step = (axes->last - axes->first) / POINTS;
    double end = axes->first;
    fprintf(output, "<path d=\"M%.1f %.1f", LEFT, BOTTOM);
    for (unsigned i = 0; i < POINTS; i++) {
        double from = end;
        end = axes->first + step * (i + 1);
        double y = y_of(axes, fmin(height(verification, truth, from, end), axes->most));
        fprintf(output, "L%.1f %.1fL%.1f %.1f", x_of(axes, from), y, x_of(axes, end), y);
    }
    fprintf(output, "L%.1f %.1fZ\" %s/>\n", WIDTH - LEFT, BOTTOM,
            truth ? "fill=\"none\" stroke=\"#c2410c\" stroke-width=\"2\""
                  : "fill=\"#3b82f6\" fill-opacity=\".4\"");
}

static void write_axis(const struct verification *verification, const struct axes *axes,
                       FILE *output)
{
    fprintf(output, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"currentColor\"/>\n", LEFT, BOTTOM,
            WIDTH - LEFT);
    for (size_t i = 0; i < verification->bound_count; i++) {
        double at = log2(verification->bounds[i]);
        char text[REPORT_SECONDS_BYTES];
        if (at < axes->first || at > axes->last) {
            continue;
        }
        report_seconds(verification->bounds[i], text);
        fprintf(output,
                "<path d=\"M%.1f %.1fv6\" stroke=\"currentColor\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"middle\">%s</text>\n",
                x_of(axes, at), BOTTOM, x_of(axes, at), BOTTOM + 22, text);
    }
}

static void write_quantiles(const struct verification *verification, const struct axes *axes,
                            FILE *output)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        const struct comparison *one = &verification->classic[i];
        double truth = x_of(axes, log2(one->true_seconds));
        double promql = x_of(axes, log2(one->promql_seconds));
        double y = TOP - 26 + 6 * (double)i;
        if (isfinite(truth) && isfinite(promql)) {
            fprintf(output,
                    "<g><title>p%g: true %.6g s, PromQL %.6g s</title>"
                    "<path d=\"M%.1f %.1fH%.1f\" stroke=\"currentColor\"/><circle cx=\"%.1f\" "
                    "cy=\"%.1f\" r=\"3\" fill=\"#c2410c\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" "
                    "fill=\"#3b82f6\"/></g>\n",
                    one->q * 100, one->true_seconds, one->promql_seconds, truth, y, promql, truth,
                    y, promql, y);
        }
    }
}

void report_picture(const struct report *report, FILE *output)
{
    const struct verification *verification = report->verification;
    double least = window_true_quantile(verification, 0.001);
    double greatest = window_true_quantile(verification, 1);
    if (!(least > 0) || !(greatest >= least)) {
        return;
    }
    struct axes axes = {.first = floor(log2(least)) - 0.5, .last = ceil(log2(greatest)) + 0.5};
    double step = (axes.last - axes.first) / POINTS;
    for (unsigned i = 0; i < POINTS; i++) {
        double from = axes.first + step * i;
        /* A law of one value would make everything else flat: its peak is cut at a few times. */
        double stored = height(verification, false, from, from + step);
        axes.most = fmax(axes.most, fmin(height(verification, true, from, from + step), 4));
        axes.most = fmax(axes.most, stored);
    }
    if (!(axes.most > 0)) {
        return;
    }
    fprintf(output,
            "<h2>Distributions</h2>\n<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
            "font-size=\"12\" fill=\"currentColor\" aria-label=\"distribution of latency, true and "
            "as stored\">\n",
            WIDTH, HEIGHT);
    write_outline(verification, &axes, false, output);
    write_outline(verification, &axes, true, output);
    write_axis(verification, &axes, output);
    write_quantiles(verification, &axes, output);
    fputs("</svg>\n<p>Line: what was served. Area: what the stored buckets say, as PromQL spreads "
          "it evenly inside each. Dots above: p50 to p99.9, true and as PromQL says.</p>\n",
          output);
}

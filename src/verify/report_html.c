/*
 * One page that needs nothing else: no script, no address of anything outside.
 */
#include "verify/report.h"

#include <math.h>
#include <string.h>

/* Text between tags and in attributes; what comes from other programs is only ever text. */
static void write_text(FILE *output, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", output);
            break;
        case '>':
            fputs("&gt;", output);
            break;
        case '&':
            fputs("&amp;", output);
            break;
        case '"':
            fputs("&quot;", output);
            break;
        default:
            fputc((unsigned char)*text < ' ' ? ' ' : *text, output);
        }
    }
}

static void write_style(FILE *output)
{
    fputs("<style>\n"
          "body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 "
          "1rem;color:#1a1f24;background:#fff}\n"
          "table{border-collapse:collapse;width:100%;margin:1rem 0}\n"
          "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid "
          "#d9dee3;vertical-align:top}\n"
          "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
          ".ok{color:#1a7f37}.failed{color:#b42318;font-weight:600}.unknown{color:#9a6700}"
          ".skipped{color:#6b7580}\n"
          ".verdict{font-size:1.25rem;padding:.8rem 1rem;border-left:.4rem solid}\n"
          "code{font-size:.85em;overflow-wrap:anywhere}.why{color:#57606a}\n"
          "svg{width:100%;height:auto}\n"
          "@media(prefers-color-scheme:dark){body{color:#e6e9ec;background:#14181c}th,td{border-"
          "color:#343b42}.ok{color:#4ac26b}.failed{color:#ff7b72}.unknown{color:#d4a72c}.why{color:"
          "#9aa4ad}}\n"
          "</style>\n",
          output);
}

static void write_stages(const struct verification *verification, FILE *output)
{
    fputs("<h2>Stages</h2>\n<table>\n<tr><th>stage</th><th>verdict</th><th>evidence</th></tr>\n",
          output);
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        const struct stage_result *result = &verification->stages[stage];
        const char *status = stage_status_name(result->status);
        fprintf(output, "<tr id=\"%s\"><td>%s</td><td class=\"%s\">%s</td><td>", stage_name(stage),
                stage_title(stage), status, status);
        write_text(output, result->evidence);
        if (result->cause[0] != '\0') {
            fputs("<div class=\"why\">likely: ", output);
            write_text(output, result->cause);
            fputs("</div><div class=\"why\">mend: ", output);
            write_text(output, result->mend);
            fputs("</div>", output);
        }
        fputs("</td></tr>\n", output);
    }
    fputs("</table>\n", output);
}

static void write_seconds(FILE *output, double seconds)
{
    char text[REPORT_SECONDS_BYTES];
    report_seconds(seconds, text);
    fprintf(output, "<td class=\"n\">%s</td>", text);
}

static void write_comparisons(const struct comparison *comparisons, const char *source,
                              FILE *output)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        const struct comparison *one = &comparisons[i];
        fprintf(output, "<tr><td>%s</td><td>p%g</td>", source, one->q * 100);
        write_seconds(output, one->law_seconds);
        write_seconds(output, one->true_seconds);
        write_seconds(output, one->promql_seconds);
        fprintf(output, "<td class=\"n\">%+.1f %%</td>",
                100 * (one->promql_seconds / one->true_seconds - 1));
        write_seconds(output, one->lower_seconds);
        write_seconds(output, one->upper_seconds);
        fprintf(output, "<td class=\"n\">%.2f %%</td><td class=\"%s\">%s</td></tr>\n",
                100 * one->rank_tolerance, one->holds ? "ok" : "failed",
                one->holds ? "ok" : "wrong");
    }
}

static void write_table(const struct verification *verification, FILE *output)
{
    fputs("<h2>Quantiles</h2>\n<table>\n<tr><th>source</th><th></th><th class=\"n\">the law</th>"
          "<th class=\"n\">true</th><th class=\"n\">PromQL&#39;s</th><th class=\"n\">error</th>"
          "<th class=\"n\">tolerated from</th><th class=\"n\">to</th><th class=\"n\">of rank</th>"
          "<th></th></tr>\n",
          output);
    write_comparisons(verification->classic, "classic", output);
    if (verification->has_native) {
        write_comparisons(verification->native, "native", output);
    }
    fprintf(output,
            "</table>\n<p>True: what %.0f requests took in the window of %lld s that ends at %.3f; "
            "PromQL sees %.0f of them. Tolerated: the buckets that the true quantile lies in, with "
            "the rank moved by &ldquo;of rank&rdquo; either way.</p>\n<p><code>",
            verification->true_count, (long long)verification->request->window_seconds,
            verification->at, verification->seen_count);
    write_text(output, verification->classic[2].expression);
    fputs("</code></p>\n", output);
}

static void write_layouts(const struct report *report, FILE *output)
{
    fputs("<h2>Buckets</h2>\n<p>What PromQL would say of the same requests with other "
          "buckets:</p>\n<table>\n<tr><th>layout</th><th class=\"n\">buckets</th><th "
          "class=\"n\">p50</th><th class=\"n\">p90</th><th class=\"n\">p95</th><th "
          "class=\"n\">p99</th><th class=\"n\">p99.9</th><th class=\"n\">worst "
          "error</th></tr>\n",
          output);
    for (size_t i = 0; i < LAYOUTS; i++) {
        const struct layout *layout = &report->layouts[i];
        fprintf(output, "<tr><td>%s</td>", layout->name);
        if (layout->bound_count > 0) {
            fprintf(output, "<td class=\"n\">%zu</td>", layout->bound_count + 1);
        } else {
            fputs("<td class=\"n\">-</td>", output);
        }
        for (size_t k = 0; k < VERIFY_QUANTILES; k++) {
            write_seconds(output, layout->seconds[k]);
        }
        fprintf(output, "<td class=\"n\">%+.1f %%</td></tr>\n", 100 * layout->worst_error);
    }
    fputs("</table>\n<p>The fitted bounds: <code>", output);
    const struct layout *fitted = &report->layouts[3];
    for (size_t i = 0; i < fitted->bound_count; i++) {
        fprintf(output, "%s%g", i > 0 ? ", " : "", fitted->bounds[i]);
    }
    fputs("</code></p>\n", output);
}

void report_html(const struct report *report, FILE *output)
{
    const struct verification *verification = report->verification;
    static const char *const classes[] = {
        [VERIFY_HOLDS] = "ok", [VERIFY_LIES] = "failed", [VERIFY_COULD_NOT_ASK] = "unknown"};
    char verdict[256];
    report_verdict(verification, verdict, sizeof verdict);
    fputs("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<title>httpserver verify</title>\n",
          output);
    write_style(output);
    fprintf(output, "<h1>httpserver verify</h1>\n<p class=\"verdict %s\">",
            classes[verification_exit(verification)]);
    write_text(output, verdict);
    fputs("</p>\n<p>Prometheus ", output);
    write_text(output, verification->prometheus_version);
    fputs(" at ", output);
    write_text(output, verification->prometheus.url.authority);
    fputs("; servers:", output);
    for (size_t i = 0; i < verification->server_count; i++) {
        fputc(' ', output);
        write_text(output, verification->servers[i].name);
        if (verification->servers[i].has_truth) {
            fputs(" <code>", output);
            write_text(output, verification->servers[i].truth.law);
            fputs("</code>", output);
        }
    }
    fputs("</p>\n", output);
    write_stages(verification, output);
    if (verification->has_classic) {
        report_picture(report, output);
        write_table(verification, output);
        write_layouts(report, output);
    }
    fputs("</html>\n", output);
}

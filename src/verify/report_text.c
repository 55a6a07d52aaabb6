#include "verify/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 100
#define INDENT 25

/* Texts come from other programs: nothing in them may act on the terminal. */
static void write_safe(FILE *output, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        fputc(byte < ' ' || byte == 0x7f ? '?' : byte, output);
    }
}

/* Words from `column` on, broken before WIDTH. */
static void write_wrapped(FILE *output, size_t column, const char *text)
{
    bool first = true;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (!first && column + 1 + length > WIDTH) {
            fprintf(output, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (!first) {
            fputc(' ', output);
            column++;
        }
        write_safe(output, text, length);
        column += length;
        text += length;
        text += *text == ' ';
        first = false;
    }
    fputc('\n', output);
}

static void write_stage(const struct verification *verification, enum stage stage, FILE *output)
{
    const struct stage_result *result = &verification->stages[stage];
    bool bad = result->status == STAGE_FAILED;
    fprintf(output, "  %-8s %-13s ", bad ? "FAILED" : stage_status_name(result->status),
            stage_name(stage));
    write_wrapped(output, INDENT, result->evidence);
    if (result->cause[0] != '\0') {
        fprintf(output, "%*slikely:  ", INDENT - 9, "");
        write_wrapped(output, INDENT, result->cause);
        fprintf(output, "%*smend:    ", INDENT - 9, "");
        write_wrapped(output, INDENT, result->mend);
    }
}

static void write_comparison(const struct comparison *one, const char *source, FILE *output)
{
    char truth[REPORT_SECONDS_BYTES], promql[REPORT_SECONDS_BYTES], law[REPORT_SECONDS_BYTES];
    char lower[REPORT_SECONDS_BYTES], upper[REPORT_SECONDS_BYTES], name[16];
    report_seconds(one->law_seconds, law);
    report_seconds(one->true_seconds, truth);
    report_seconds(one->promql_seconds, promql);
    report_seconds(one->lower_seconds, lower);
    report_seconds(one->upper_seconds, upper);
    snprintf(name, sizeof name, "p%g", one->q * 100);
    fprintf(output, "  %-8s %-6s %10s %10s %10s %+7.1f %%   %10s to %-10s %5.2f %%  %s\n", source,
            name, law, truth, promql, 100 * (one->promql_seconds / one->true_seconds - 1), lower,
            upper, 100 * one->rank_tolerance, one->holds ? "ok" : "WRONG");
}

static void write_comparisons(const struct verification *verification, FILE *output)
{
    if (!verification->has_classic) {
        return;
    }
    fprintf(output, "\n  %-8s %-6s %10s %10s %10s %9s   %-24s %7s\n", "source", "", "the law",
            "true", "PromQL's", "error", "      tolerated", "of rank");
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        write_comparison(&verification->classic[i], "classic", output);
    }
    for (size_t i = 0; i < VERIFY_QUANTILES && verification->has_native; i++) {
        write_comparison(&verification->native[i], "native", output);
    }
    fprintf(
        output,
        "\n  true: what %.0f requests took in the window that ends at %.3f; PromQL sees %.0f of "
        "them.\n  tolerated: the buckets that the true quantile lies in, with the rank moved "
        "by \"of rank\"\n  either way. Asked, for p95:\n    ",
        verification->true_count, verification->at, verification->seen_count);
    const char *expression = verification->classic[2].expression;
    write_safe(output, expression, strlen(expression));
    fputc('\n', output);
}

static void write_layouts(const struct report *report, FILE *output)
{
    if (!report->has_layouts || !report->verification->has_classic) {
        return;
    }
    fprintf(output,
            "\n  What PromQL would say of the same requests with other buckets:\n"
            "  %-26s %7s %10s %10s %10s %10s %10s %9s\n",
            "", "buckets", "p50", "p90", "p95", "p99", "p99.9", "worst");
    for (size_t i = 0; i < LAYOUTS; i++) {
        const struct layout *layout = &report->layouts[i];
        char count[16];
        snprintf(count, sizeof count, "%zu", layout->bound_count + 1);
        fprintf(output, "  %-26s %7s", layout->name, layout->bound_count > 0 ? count : "-");
        for (size_t k = 0; k < VERIFY_QUANTILES; k++) {
            char text[REPORT_SECONDS_BYTES];
            report_seconds(layout->seconds[k], text);
            fprintf(output, " %10s", text);
        }
        fprintf(output, " %+7.1f %%\n", 100 * layout->worst_error);
    }
    const struct layout *fitted = &report->layouts[3];
    fprintf(output, "  The fitted bounds:");
    for (size_t i = 0; i < fitted->bound_count; i++) {
        fprintf(output, "%s %g", i > 0 ? "," : "", fitted->bounds[i]);
    }
    fputc('\n', output);
}

void report_text(const struct report *report, FILE *output)
{
    const struct verification *verification = report->verification;
    char verdict[256];
    fprintf(output, "http://%s%s, window %lld s, %zu server%s\n\n",
            verification->prometheus.url.authority, verification->prometheus.url.prefix,
            (long long)verification->request->window_seconds, verification->server_count,
            verification->server_count == 1 ? "" : "s");
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        write_stage(verification, stage, output);
    }
    write_comparisons(verification, output);
    write_layouts(report, output);
    report_verdict(verification, verdict, sizeof verdict);
    fprintf(output, "\nverdict: %s\n", verdict);
}

/*
 * The verdict as people and machines read it. Private to src/verify.
 */
#pragma once

#include "verify/layouts.h"
#include "verify/verification.h"

#include <stdio.h>

/* All that a report says besides the verification itself. */
struct report {
    const struct verification *verification;
    bool has_layouts;
    struct layout layouts[LAYOUTS];
};

void report_text(const struct report *report, FILE *output);
void report_json(const struct report *report, FILE *output);
void report_html(const struct report *report, FILE *output);

/* The verdict in one sentence, into `text`. */
void report_verdict(const struct verification *verification, char *text, size_t size);

/* An SVG of both distributions: what was served, and what the stored buckets say. */
void report_picture(const struct report *report, FILE *output);

/* A duration in seconds to four digits, `-` for none; into 24 bytes. */
#define REPORT_SECONDS_BYTES 24
void report_seconds(double seconds, char text[REPORT_SECONDS_BYTES]);

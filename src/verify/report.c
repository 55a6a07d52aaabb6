#include "verify/report.h"

#include <math.h>
#include <stdio.h>

void report_seconds(double seconds, char text[REPORT_SECONDS_BYTES])
{
    if (isnan(seconds)) {
        snprintf(text, REPORT_SECONDS_BYTES, "-");
    } else if (fabs(seconds) >= 1) {
        snprintf(text, REPORT_SECONDS_BYTES, "%.3f s", seconds);
    } else if (fabs(seconds) >= 0.001) {
        snprintf(text, REPORT_SECONDS_BYTES, "%.4g ms", seconds * 1e3);
    } else {
        snprintf(text, REPORT_SECONDS_BYTES, "%.4g us", seconds * 1e6);
    }
}

void report_verdict(const struct verification *verification, char *text, size_t size)
{
    enum stage fault = verification_first_fault(verification);
    if (fault == STAGE_COUNT) {
        snprintf(text, size, "the stack tells the truth");
    } else if (verification->stages[fault].status == STAGE_FAILED) {
        snprintf(text, size, "the stack lies: \"%s\" does not hold (%s)", stage_title(fault),
                 stage_name(fault));
    } else {
        snprintf(text, size, "no verdict: \"%s\" could not be asked (%s)", stage_title(fault),
                 stage_name(fault));
    }
}

/*
 * The stages of a verdict, in the order in which a measurement travels: what is wrong early makes
 * what comes later meaningless, so the first stage that failed names the fault.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

enum stage {
    STAGE_PROMETHEUS,
    STAGE_DISCOVERED,
    STAGE_SCRAPED,
    STAGE_INTERVAL,
    STAGE_PRESENT,
    STAGE_ONCE,
    STAGE_TRUTH,
    STAGE_CLOCKS,
    STAGE_RESTARTS,
    STAGE_METRICS,
    STAGE_LABELS,
    STAGE_BUCKETS,
    STAGE_SAMPLES,
    STAGE_CLASSIC,
    STAGE_NATIVE,
    STAGE_RULES,
    STAGE_ALERTMANAGER,
    STAGE_COUNT,
};

enum stage_status {
    STAGE_SKIPPED, /* not asked for, or meaningless after what failed before */
    STAGE_OK,
    STAGE_FAILED,
    STAGE_UNKNOWN, /* could not be asked */
};

#define STAGE_EVIDENCE_BYTES 1024
#define STAGE_ADVICE_BYTES 640

struct stage_result {
    enum stage_status status;
    char evidence[STAGE_EVIDENCE_BYTES];
    char cause[STAGE_ADVICE_BYTES]; /* the likely one; "" when the stage did not fail */
    char mend[STAGE_ADVICE_BYTES];
};

const char *stage_name(enum stage stage);                /* one word, for machines */
const char *stage_title(enum stage stage);               /* what holds when it is ok */
const char *stage_status_name(enum stage_status status); /* ok, failed, unknown, skipped */

/* Sets status and evidence; what does not fit is cut. */
void stage_set(struct stage_result *result, enum stage_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Adds to the evidence. */
void stage_add(struct stage_result *result, const char *format, ...) PRINTF_LIKE(2, 3);
void stage_cause(struct stage_result *result, const char *format, ...) PRINTF_LIKE(2, 3);
void stage_mend(struct stage_result *result, const char *format, ...) PRINTF_LIKE(2, 3);

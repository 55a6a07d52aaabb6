#include "verify/stage.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *title;
} stages[STAGE_COUNT] = {
    [STAGE_PROMETHEUS] = {"prometheus", "Prometheus answers"},
    [STAGE_DISCOVERED] = {"discovered", "the target is discovered"},
    [STAGE_SCRAPED] = {"scraped", "it is scraped without error"},
    [STAGE_INTERVAL] = {"interval", "the window holds enough scrapes"},
    [STAGE_PRESENT] = {"present", "all servers are present"},
    [STAGE_ONCE] = {"once", "none is scraped twice"},
    [STAGE_TRUTH] = {"truth", "the servers tell their truth"},
    [STAGE_CLOCKS] = {"clocks", "the clocks agree"},
    [STAGE_RESTARTS] = {"restarts", "no server restarted in the window"},
    [STAGE_METRICS] = {"metrics", "no metric is dropped"},
    [STAGE_LABELS] = {"labels", "labels are kept"},
    [STAGE_BUCKETS] = {"buckets", "the bucket layout is the server's"},
    [STAGE_SAMPLES] = {"samples", "stored samples equal what was rendered"},
    [STAGE_CLASSIC] = {"classic", "quantiles of the classic histogram hold"},
    [STAGE_NATIVE] = {"native", "quantiles of the native histogram hold"},
    [STAGE_RULES] = {"rules", "rules are loaded"},
    [STAGE_ALERTMANAGER] = {"alertmanager", "Alertmanager is reached"},
};

const char *stage_name(enum stage stage)
{
    ASSERT(stage < STAGE_COUNT);
    return stages[stage].name;
}

const char *stage_title(enum stage stage)
{
    ASSERT(stage < STAGE_COUNT);
    return stages[stage].title;
}

const char *stage_status_name(enum stage_status status)
{
    switch (status) {
    case STAGE_OK:
        return "ok";
    case STAGE_FAILED:
        return "failed";
    case STAGE_UNKNOWN:
        return "unknown";
    case STAGE_SKIPPED:
        break;
    }
    return "skipped";
}

void stage_set(struct stage_result *result, enum stage_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->evidence, sizeof result->evidence, format, arguments);
    va_end(arguments);
    result->status = status;
}

void stage_add(struct stage_result *result, const char *format, ...)
{
    size_t length = strlen(result->evidence);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->evidence + length, sizeof result->evidence - length, format, arguments);
    va_end(arguments);
}

void stage_cause(struct stage_result *result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->cause, sizeof result->cause, format, arguments);
    va_end(arguments);
}

void stage_mend(struct stage_result *result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->mend, sizeof result->mend, format, arguments);
    va_end(arguments);
}

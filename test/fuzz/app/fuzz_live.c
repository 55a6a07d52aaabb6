/*
 * Any bytes as what a viewer of the live page names: the event that it saw last, and a token. An
 * event is only taken for seen when the id is one that the feed writes; a token only when it is the
 * one, by a plain comparison.
 */
#include "app/admin.h"
#include "app/live.h"
#include "base/assert.h"

#include <stdio.h>

#define TOKEN "0123456789abcdef"

static struct app *application(void)
{
    static struct app app;
    static struct law *law;
    if (law == NULL) {
        struct law_limits limits = {.max_delay_ns = 1000};
        ASSERT(law_parse(SPAN("none"), &limits, &law, NULL) == 0);
        struct app_settings settings = {
            .law = law,
            .identity = {.version = "1", .build_version = "1", .seed = "1"},
            .meter = meter_new(NULL),
        };
        struct meter_error error;
        ASSERT(settings.meter != NULL && app_init(&app, &settings, &error) == 0);
    }
    return &app;
}

static void check_position(const struct app *app, struct span id)
{
    struct live_position position = live_position_behind(app->live, id);
    ASSERT(position.taken == 0);
    if (position.event == 0) {
        return;
    }
    char ours[64];
    int length = snprintf(ours, sizeof ours, "%lld-", (long long)app->truth.started.realtime_ns);
    ASSERT(length > 0 && span_starts_with(id, span_of(ours, (size_t)length)));
    ASSERT(id.length <= (size_t)length + 19);
}

static void check_token(struct span value)
{
    if (!admin_is_authorized(value, TOKEN)) {
        return;
    }
    ASSERT(value.length >= 7 + sizeof TOKEN - 1 && value.data[6] == ' ');
    ASSERT(span_equals(span_trim(span_after(value, 7)), SPAN(TOKEN)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct app *app = application();
    /* With the beginning that the feed gives its ids, and without. */
    char id[512];
    int start = snprintf(id, sizeof id, "%lld-", (long long)app->truth.started.realtime_ns);
    size_t bytes = size < sizeof id - (size_t)start ? size : sizeof id - (size_t)start;
    if (bytes > 0) {
        memcpy(id + start, data, bytes);
    }
    check_position(app, span_of(id, (size_t)start + bytes));
    check_position(app, span_of((const char *)data, size));
    check_token(span_of((const char *)data, size));
    return 0;
}

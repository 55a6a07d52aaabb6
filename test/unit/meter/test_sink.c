/* What callbacks may produce, and what becomes of the rest. */
#include "../cmocka_includes.h"

#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 1000
#define STAGED_BYTES 4096

static struct meter *meter;
static int taken;

static void emit_many(struct meter_sink *sink, void *context)
{
    (void)context;
    taken = 0;
    for (int i = 0; i < SAMPLES; i++) {
        char label[16];
        snprintf(label, sizeof label, "%d", i);
        taken += meter_emit(sink, METER_LABELS(label), i) == 0;
    }
}

static unsigned count_lines(const char *page, const char *start)
{
    unsigned count = 0;
    for (const char *line = page; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        count += strncmp(line, start, strlen(start)) == 0;
    }
    return count;
}

static void what_does_not_fit_is_dropped_and_counted(void **state)
{
    (void)state;
    meter = meter_new(&(struct meter_options){.max_staged_bytes = STAGED_BYTES});
    struct meter_family *family = meter_register(meter,
                                                 &(struct meter_description){
                                                     .type = METER_GAUGE,
                                                     .name = "a",
                                                     .labels = METER_LABELS("l"),
                                                     .collect = emit_many,
                                                 },
                                                 NULL);
    assert_non_null(family);
    char *page = meter_render(meter, METER_TEXT, NULL);
    assert_non_null(page);
    assert_in_range(taken, 100, SAMPLES - 1);
    assert_int_equal(count_lines(page, "a{"), taken);
    assert_int_equal(meter_samples_dropped(family), SAMPLES - taken);
    /* Families come by name, so the page says how many it lacks itself. */
    char line[80];
    snprintf(line, sizeof line, "\nmeter_samples_dropped_total{family=\"a\"} %d\n",
             SAMPLES - taken);
    assert_non_null(strstr(page, line));
    free(page);
    meter_free(meter);
}

static void emit_one(struct meter_sink *sink, void *context)
{
    (void)context;
    (void)meter_emit(sink, NULL, 1);
}

static void without_loss_nothing_is_said(void **state)
{
    (void)state;
    meter = meter_new(NULL);
    struct meter_family *family = meter_register(
        meter, &(struct meter_description){.type = METER_GAUGE, .name = "z", .collect = emit_one},
        NULL);
    char *page = meter_render(meter, METER_TEXT, NULL);
    assert_string_equal(page, "# TYPE z gauge\nz 1\n");
    assert_int_equal(meter_samples_dropped(family), 0);
    assert_int_equal(meter_samples_dropped(NULL), 0);
    free(page);
    meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_dropped_and_counted),
        cmocka_unit_test(without_loss_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

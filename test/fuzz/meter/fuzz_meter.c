/*
 * Any names, labels and values: the input is a list of operations on a registry. Whatever it is,
 * the text pages stay pages: every line is a comment or a sample whose labels are well formed and
 * whose value is a number, no series is there twice, and cutting the page anywhere gives the same.
 * Accept headers are read, too.
 */
#include "base/assert.h"
#include "meter.h"
#include "meter/name.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FAMILIES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

static unsigned take_byte(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->data++;
}

/* A run of bytes, copied so that reading beyond it is seen; NUL-terminated. */
static char *take_text(struct input *input, size_t *ret_length)
{
    size_t length = take_byte(input) % 40;
    length = length < input->left ? length : input->left;
    char *text = malloc(length + 1);
    ASSERT(text != NULL);
    memcpy(text, input->data, length);
    text[length] = '\0';
    input->data += length;
    input->left -= length;
    *ret_length = length;
    return text;
}

static double take_double(struct input *input)
{
    double value = 0;
    uint8_t bytes[sizeof value] = {0};
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)take_byte(input);
    }
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* ---- What a page must be ---- */

static const char *skip_name(const char *p)
{
    const char *start = p;
    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
           *p == '_' || *p == ':') {
        p++;
    }
    ASSERT(p > start);
    return p;
}

static const char *skip_labels(const char *p)
{
    ASSERT(*p == '{');
    do {
        p = skip_name(p + 1);
        ASSERT(p[0] == '=' && p[1] == '"');
        for (p += 2; *p != '"'; p++) {
            ASSERT(*p != '\n' && *p != '\0');
            if (*p == '\\') {
                p++;
                ASSERT(*p == '\\' || *p == 'n' || *p == '"');
            }
        }
        p++;
    } while (*p == ',');
    ASSERT(*p == '}');
    return p + 1;
}

static const char *skip_sample(const char *p)
{
    p = skip_name(p);
    if (*p == '{') {
        p = skip_labels(p);
    }
    ASSERT(*p == ' ');
    char *end;
    (void)strtod(p + 1, &end);
    ASSERT(end > p + 1);
    if (strncmp(end, " # {", 4) == 0) {
        end = strchr(end, '\n');
    }
    return end;
}

static void check_page(const char *page, size_t length)
{
    ASSERT(strlen(page) == length && text_is_clean(span_of(page, length)));
    for (const char *p = page; *p != '\0'; p++) {
        p = *p == '#' ? strchr(p, '\n') : skip_sample(p);
        ASSERT(p != NULL && *p == '\n');
    }
}

static void check_pieces(struct meter *meter, enum meter_format format, const char *page,
                         size_t length, size_t piece)
{
    char *again = malloc(length + 1);
    ASSERT(again != NULL);
    struct meter_scrape *scrape = meter_scrape_begin(meter, format);
    size_t used = 0;
    ssize_t got;
    while ((got = meter_scrape_read(scrape, again + used,
                                    piece < length + 1 - used ? piece : length + 1 - used)) > 0) {
        used += (size_t)got;
        ASSERT(used <= length);
    }
    meter_scrape_end(scrape);
    ASSERT(got == 0 && used == length && memcmp(again, page, length) == 0);
    free(again);
}

/* ---- Operations ---- */

static struct meter_family *make_family(struct meter *meter, struct input *input)
{
    size_t length;
    char *name = take_text(input, &length), *help = take_text(input, &length);
    char *labels[3] = {take_text(input, &length), take_text(input, &length), NULL};
    double bounds[2] = {take_double(input), take_double(input)};
    unsigned kind = take_byte(input);
    struct meter_description description = {
        .type = (enum meter_type)(kind % 6),
        .name = name,
        .help = help,
        .labels = (const char *const *)labels + (kind & 64    ? 0
                                                 : kind & 128 ? 1
                                                              : 2),
        .exemplars = kind % 6 == METER_HISTOGRAM,
        .bounds = bounds,
        .bound_count = kind >> 3 & 3 ? 2 : 0,
        .native_growth = kind & 32 ? 1 + bounds[0] * bounds[0] : 0,
        .native_max_buckets = 4,
        .states = METER_LABELS("on", help),
        .max_series = 5,
    };
    struct meter_error error;
    struct meter_family *family = meter_register(meter, &description, &error);
    ASSERT(family != NULL || error.text[0] != '\0');
    free(name);
    free(help);
    free(labels[0]);
    free(labels[1]);
    return family;
}

static void change(struct meter_family *family, struct input *input)
{
    size_t lengths[2];
    char *texts[2] = {take_text(input, &lengths[0]), take_text(input, &lengths[1])};
    const struct meter_text values[2] = {{texts[0], lengths[0]}, {texts[1], lengths[1]}};
    const struct meter_label label = {values[0], values[1]};
    size_t count = take_byte(input) % 3;
    const char *const strings[3] = {count > 0 ? texts[0] : NULL, count > 1 ? texts[1] : NULL, NULL};
    double value = take_double(input);
    meter_counter_add_double(meter_counter_get_text(family, values, count), value);
    meter_gauge_set(meter_gauge_lookup_text(family, values, count), value);
    meter_gauge_add(meter_gauge_lookup(family, strings), value);
    meter_histogram_observe_exemplar(meter_histogram_lookup_text(family, values, count), value,
                                     &label, 1);
    meter_summary_observe(meter_summary_lookup(family, strings), value);
    (void)meter_info_set(family, strings);
    (void)meter_state_set_to(meter_state_set_get(family, strings), (unsigned)lengths[0]);
    if (take_byte(input) % 4 == 0) {
        (void)meter_remove(family, strings);
    }
    free(texts[0]);
    free(texts[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct meter *meter = meter_new(NULL);
    struct meter_family *families[MAX_FAMILIES] = {NULL};
    ASSERT(meter != NULL);
    (void)meter_negotiate_text((const char *)data, size);
    for (unsigned i = 0; input.left > 0; i++) {
        unsigned operation = take_byte(&input);
        struct meter_family **family = &families[operation % MAX_FAMILIES];
        if (*family == NULL) {
            *family = make_family(meter, &input);
        } else {
            change(*family, &input);
        }
    }
    for (unsigned format = 0; format < 3; format++) {
        size_t length;
        char *page = meter_render(meter, (enum meter_format)format, &length);
        ASSERT(page != NULL);
        if (format != METER_PROTOBUF) {
            check_page(page, length);
        }
        check_pieces(meter, (enum meter_format)format, page, length, size % 100 + 1);
        free(page);
    }
    meter_free(meter);
    return 0;
}

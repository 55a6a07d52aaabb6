/*
 * Does to a registry what a script on stdin says, then writes the pages. The Go program in compare/
 * understands the same script, so that both can be compared. Words are separated by spaces; text is
 * in hexadecimal with `-` in front (so that none is empty), doubles are their bits in hexadecimal.
 *
 *   family KIND NAME HELP LABEL,.. [BOUND,..|none] [GROWTH ZERO MAX_BUCKETS MAX_ZERO]
 *   add|set|inc|dec|observe FAMILY VALUE TEXT,..
 *   exemplar FAMILY VALUE TEXT,.. NAME=TEXT,..
 *
 * usage: meter_drive FOLDER: writes FOLDER/text, FOLDER/openmetrics and FOLDER/protobuf.
 */
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FAMILIES 256
#define MAX_ITEMS 512
#define MAX_LINE (1u << 20)

static struct meter_family *families[MAX_FAMILIES];
static char kinds[MAX_FAMILIES];
static unsigned family_count;

static _Noreturn void die(const char *what, const char *detail)
{
    fprintf(stderr, "meter_drive: %s: %s\n", what, detail);
    exit(1);
}

static double parse_double(const char *text)
{
    unsigned long long bits = strtoull(text, NULL, 16);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* In place; the memory stays the line's. */
static struct meter_text parse_text(char *text)
{
    if (text[0] != '-') {
        die("not a text", text);
    }
    size_t length = 0;
    for (const char *p = text + 1; p[0] != '\0' && p[1] != '\0'; p += 2) {
        text[length++] = (char)(digit(p[0]) << 4 | digit(p[1]));
    }
    text[length] = '\0';
    return (struct meter_text){text, length};
}

static size_t split(char *text, char *items[MAX_ITEMS])
{
    size_t count = 0;
    for (char *save, *item = strtok_r(text, ",", &save); item != NULL && count < MAX_ITEMS - 1;
         item = strtok_r(NULL, ",", &save)) {
        items[count++] = item;
    }
    items[count] = NULL;
    return count;
}

static void make_family(struct meter *meter, char **words)
{
    static double bounds[MAX_ITEMS];
    char *labels[MAX_ITEMS], *items[MAX_ITEMS];
    struct meter_description description = {.name = words[2]};
    struct meter_error error;
    char kind = words[1][0];
    description.type = kind == 'c'   ? METER_COUNTER
                       : kind == 'g' ? METER_GAUGE
                       : kind == 's' ? METER_SUMMARY
                                     : METER_HISTOGRAM;
    description.help = parse_text(words[3]).data;
    split(words[4], labels);
    description.labels = (const char *const *)labels;
    description.exemplars = kind == 'c' || kind == 'h';
    if (words[5] != NULL && strcmp(words[5], "none") != 0) {
        description.bound_count = split(words[5], items);
        for (size_t i = 0; i < description.bound_count; i++) {
            bounds[i] = parse_double(items[i]);
        }
        description.bounds = bounds;
    }
    if (words[5] != NULL && words[6] != NULL) {
        description.native_growth = parse_double(words[6]);
        description.native_zero_threshold = parse_double(words[7]);
        description.native_max_buckets = (uint32_t)strtoul(words[8], NULL, 10);
        description.native_max_zero_threshold = parse_double(words[9]);
    }
    kinds[family_count] = kind;
    families[family_count] = meter_register(meter, &description, &error);
    if (families[family_count++] == NULL) {
        die("registering", error.text);
    }
}

static void change_gauge(struct meter_gauge *gauge, char operation, double value)
{
    switch (operation) {
    case 's':
        meter_gauge_set(gauge, value);
        break;
    case 'a':
        meter_gauge_add(gauge, value);
        break;
    case 'i':
        meter_gauge_inc(gauge);
        break;
    default:
        meter_gauge_dec(gauge);
    }
}

static void change(unsigned index, char operation, double value, char *texts, char *exemplar)
{
    char *items[MAX_ITEMS], *pairs[MAX_ITEMS];
    struct meter_text values[MAX_ITEMS];
    struct meter_label labels[MAX_ITEMS];
    size_t count = split(texts, items), label_count = 0;
    for (size_t i = 0; i < count; i++) {
        values[i] = parse_text(items[i]);
    }
    if (exemplar != NULL) {
        label_count = split(exemplar, pairs);
        for (size_t i = 0; i < label_count; i++) {
            char *equals = strchr(pairs[i], '=');
            labels[i].name = (struct meter_text){pairs[i], (size_t)(equals - pairs[i])};
            labels[i].value = parse_text(equals + 1);
        }
    }
    struct meter_family *family = families[index];
    if (kinds[index] == 'c') {
        struct meter_counter *counter = meter_counter_lookup_text(family, values, count);
        if (exemplar != NULL) {
            meter_counter_add_exemplar(counter, (uint64_t)value, labels, label_count);
        } else if (operation == 'i') {
            meter_counter_inc(counter);
        } else {
            meter_counter_add_double(counter, value);
        }
    } else if (kinds[index] == 'g') {
        change_gauge(meter_gauge_lookup_text(family, values, count), operation, value);
    } else if (kinds[index] == 's') {
        const char *strings[MAX_ITEMS] = {NULL};
        for (size_t i = 0; i < count; i++) {
            strings[i] = values[i].data;
        }
        meter_summary_observe(meter_summary_lookup(family, strings), value);
    } else if (exemplar != NULL) {
        meter_histogram_observe_exemplar(meter_histogram_lookup_text(family, values, count), value,
                                         labels, label_count);
    } else {
        meter_histogram_observe(meter_histogram_lookup_text(family, values, count), value);
    }
}

/* Through a small buffer whose size changes, so that lines and messages are cut everywhere. */
static void write_page(struct meter *meter, enum meter_format format, const char *folder,
                       const char *name)
{
    char path[4096], buffer[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    struct meter_scrape *scrape = meter_scrape_begin(meter, format);
    if (file == NULL || scrape == NULL) {
        die("writing", path);
    }
    ssize_t length;
    for (size_t size = 1;
         (length = meter_scrape_read(scrape, buffer, size % sizeof buffer + 1)) > 0; size += 37) {
        fwrite(buffer, 1, (size_t)length, file);
    }
    meter_scrape_end(scrape);
    if (length < 0 || fclose(file) != 0) {
        die("scraping", path);
    }
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 2) {
        die("usage", "meter_drive FOLDER");
    }
    struct meter *meter = meter_new(NULL);
    char *line = malloc(MAX_LINE);
    while (fgets(line, MAX_LINE, stdin) != NULL) {
        char *words[16] = {NULL};
        size_t count = 0;
        for (char *save, *word = strtok_r(line, " \n", &save); word != NULL && count < 15;
             word = strtok_r(NULL, " \n", &save)) {
            words[count++] = word;
        }
        if (count == 0) {
            continue;
        }
        if (strcmp(words[0], "family") == 0) {
            make_family(meter, words);
        } else {
            unsigned index = (unsigned)strtoul(words[1], NULL, 10);
            bool exemplar = strcmp(words[0], "exemplar") == 0;
            change(index, words[0][0], parse_double(words[2]), words[3],
                   exemplar ? words[4] : NULL);
        }
    }
    write_page(meter, METER_TEXT, arguments[1], "text");
    write_page(meter, METER_OPENMETRICS, arguments[1], "openmetrics");
    write_page(meter, METER_PROTOBUF, arguments[1], "protobuf");
    meter_free(meter);
    free(line);
    return 0;
}

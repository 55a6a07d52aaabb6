/*
 * Which format an Accept header asks for: RFC 9110, section 12.5.1. For each format the most
 * specific range that matches it gives its quality; the best quality wins, among equals the one
 * that was named first, and what was only matched by a wildcard comes after what was named.
 */
#include "base/span.h"
#include "meter.h"

#include <stdint.h>

#define FORMATS 3
#define MAX_QUALITY 1000
#define MAX_RANGES 64 /* what a header says beyond is not read */

enum specificity { NOT_MATCHED, BY_ANY, BY_TYPE, BY_NAME };

struct offer {
    enum specificity specificity;
    unsigned quality; /* thousandths */
    unsigned position;
};

struct parameters {
    struct span version;
    struct span proto;
    struct span encoding;
    unsigned quality;
};

struct media_range {
    struct span type;
    struct span subtype;
    struct parameters parameters;
};

/* Up to `separator` outside quotes; moves *text behind it. */
static struct span take_until(struct span *text, char separator)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < text->length; i++) {
        char c = text->data[i];
        if (quoted && c == '\\' && i + 1 < text->length) {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == separator && !quoted) {
            break;
        }
    }
    struct span taken = span_of(text->data, i);
    *text = span_after(*text, i < text->length ? i + 1 : i);
    return span_trim(taken);
}

static struct span unquote(struct span value)
{
    bool quoted = value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"';
    return quoted ? span_of(value.data + 1, value.length - 2) : value;
}

/* "0.75" in thousandths; what is no quality counts as 1, as if it were not there. */
static unsigned quality_of(struct span text)
{
    if (text.length == 0 || text.length > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.length > 1 && text.data[1] != '.')) {
        return MAX_QUALITY;
    }
    unsigned quality = text.data[0] == '1' ? MAX_QUALITY : 0;
    unsigned weight = 100;
    for (size_t i = 2; i < text.length; i++, weight /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return MAX_QUALITY;
        }
        quality += (unsigned)(text.data[i] - '0') * weight;
    }
    return quality > MAX_QUALITY ? MAX_QUALITY : quality;
}

static struct media_range parse_range(struct span text)
{
    struct media_range range = {.parameters.quality = MAX_QUALITY};
    struct span name = take_until(&text, ';');
    range.type = take_until(&name, '/');
    range.subtype = span_trim(name);
    while (text.length > 0) {
        struct span value = take_until(&text, ';');
        struct span key = take_until(&value, '=');
        value = unquote(span_trim(value));
        if (span_equals_ignoring_case(key, SPAN("q"))) {
            range.parameters.quality = quality_of(value);
        } else if (span_equals_ignoring_case(key, SPAN("version"))) {
            range.parameters.version = value;
        } else if (span_equals_ignoring_case(key, SPAN("proto"))) {
            range.parameters.proto = value;
        } else if (span_equals_ignoring_case(key, SPAN("encoding"))) {
            range.parameters.encoding = value;
        }
    }
    return range;
}

static bool is_either(struct span value, struct span a, struct span b)
{
    return value.length == 0 || span_equals(value, a) || span_equals(value, b);
}

/* text/plain; version=1.0.0 is what Prometheus 3 calls names in UTF-8: 0.0.4 answers that, too. */
static bool names_format(const struct media_range *range, enum meter_format format)
{
    const struct parameters *parameters = &range->parameters;
    switch (format) {
    case METER_TEXT:
        return span_equals_ignoring_case(range->type, SPAN("text")) &&
               span_equals_ignoring_case(range->subtype, SPAN("plain")) &&
               is_either(parameters->version, SPAN("0.0.4"), SPAN("1.0.0"));
    case METER_OPENMETRICS:
        return span_equals_ignoring_case(range->type, SPAN("application")) &&
               span_equals_ignoring_case(range->subtype, SPAN("openmetrics-text")) &&
               is_either(parameters->version, SPAN("1.0.0"), SPAN("1.0.0"));
    case METER_PROTOBUF:
        return span_equals_ignoring_case(range->type, SPAN("application")) &&
               span_equals_ignoring_case(range->subtype, SPAN("vnd.google.protobuf")) &&
               span_equals_ignoring_case(parameters->proto,
                                         SPAN("io.prometheus.client.MetricFamily")) &&
               span_equals_ignoring_case(parameters->encoding, SPAN("delimited"));
    }
    return false;
}

static enum specificity match(const struct media_range *range, enum meter_format format)
{
    static const struct span types[FORMATS] = {
        {"text", 4}, {"application", 11}, {"application", 11}};
    if (names_format(range, format)) {
        return BY_NAME;
    }
    if (!span_equals(range->subtype, SPAN("*"))) {
        return NOT_MATCHED;
    }
    if (span_equals(range->type, SPAN("*"))) {
        return BY_ANY;
    }
    return span_equals_ignoring_case(range->type, types[format]) ? BY_TYPE : NOT_MATCHED;
}

/* Whether `a` is asked for more than `b`. */
static bool is_better(const struct offer *a, const struct offer *b)
{
    if (a->quality != b->quality) {
        return a->quality > b->quality;
    }
    if ((a->specificity == BY_NAME) != (b->specificity == BY_NAME)) {
        return a->specificity == BY_NAME;
    }
    return a->specificity == BY_NAME && a->position < b->position;
}

enum meter_format meter_negotiate_text(const char *accept, size_t length)
{
    struct offer offers[FORMATS] = {{.specificity = NOT_MATCHED}};
    struct span text = span_of(accept, accept == NULL ? 0 : length);
    for (unsigned position = 0; text.length > 0 && position < MAX_RANGES; position++) {
        struct media_range range = parse_range(take_until(&text, ','));
        for (unsigned i = 0; i < FORMATS; i++) {
            enum specificity specificity = match(&range, (enum meter_format)i);
            if (specificity > offers[i].specificity ||
                (specificity == BY_NAME && range.parameters.quality > offers[i].quality)) {
                offers[i] = (struct offer){specificity, range.parameters.quality, position};
            }
        }
    }
    unsigned best = METER_TEXT;
    for (unsigned i = 0; i < FORMATS; i++) {
        if (offers[i].quality > 0 && is_better(&offers[i], &offers[best])) {
            best = i;
        }
    }
    return (enum meter_format)best;
}

enum meter_format meter_negotiate(const char *accept)
{
    return meter_negotiate_text(accept, accept == NULL ? 0 : strlen(accept));
}

const char *meter_content_type(enum meter_format format)
{
    switch (format) {
    case METER_OPENMETRICS:
        return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case METER_PROTOBUF:
        return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
               "encoding=delimited";
    case METER_TEXT:
        break;
    }
    return "text/plain; version=0.0.4; charset=utf-8";
}

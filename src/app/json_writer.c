#include "app/json_writer.h"

#include "base/clock.h"
#include "base/float_text.h"

#include <math.h>

static void begin_value(struct json_writer *json)
{
    if (json->comma) {
        buffer_append_byte(json->out, ',');
    }
    json->comma = true;
}

void json_open(struct json_writer *json, char bracket)
{
    begin_value(json);
    buffer_append_byte(json->out, bracket);
    json->comma = false;
}

void json_close(struct json_writer *json, char bracket)
{
    buffer_append_byte(json->out, bracket);
    json->comma = true;
}

void json_line(struct json_writer *json)
{
    if (json->comma) {
        buffer_append_byte(json->out, ',');
        json->comma = false;
    }
    buffer_append_byte(json->out, '\n');
}

void json_name(struct json_writer *json, const char *name)
{
    begin_value(json);
    buffer_append_byte(json->out, '"');
    buffer_append_span(json->out, span_from_string(name));
    buffer_append_span(json->out, SPAN("\":"));
    json->comma = false;
}

/* Bytes of the UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629). */
static size_t sequence_bytes(struct span text)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    if (bytes[0] < 0x80) {
        return 1;
    }
    size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length > text.length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xf0 && bytes[1] < 0x90);
    bool surrogate = bytes[0] == 0xed && bytes[1] > 0x9f;
    bool beyond = bytes[0] == 0xf4 && bytes[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

static void put_control(struct buffer *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char text[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    buffer_append(out, text, sizeof text);
}

void json_text(struct json_writer *json, struct span text)
{
    struct buffer *out = json->out;
    begin_value(json);
    buffer_append_byte(out, '"');
    while (text.length > 0) {
        unsigned char byte = (unsigned char)text.data[0];
        size_t length = sequence_bytes(text);
        if (length == 0) {
            buffer_append_span(out, SPAN("\xef\xbf\xbd"));
            length = 1;
        } else if (byte < 0x20 || byte == 0x7f) {
            put_control(out, byte);
        } else {
            buffer_append(out, "\\", byte == '"' || byte == '\\');
            buffer_append(out, text.data, length);
        }
        text = span_after(text, length);
    }
    buffer_append_byte(out, '"');
}

void json_u64(struct json_writer *json, uint64_t value)
{
    begin_value(json);
    buffer_append_u64(json->out, value);
}

void json_bool(struct json_writer *json, bool value)
{
    begin_value(json);
    buffer_append_span(json->out, value ? SPAN("true") : SPAN("false"));
}

void json_no_value(struct json_writer *json)
{
    begin_value(json);
    buffer_append_span(json->out, SPAN("null"));
}

void json_double(struct json_writer *json, double value)
{
    if (!isfinite(value)) {
        json_no_value(json);
        return;
    }
    char text[FLOAT_TEXT_MAX_BYTES];
    begin_value(json);
    buffer_append(json->out, text, float_text(value, text));
}

void json_seconds(struct json_writer *json, unsigned __int128 ns)
{
    uint64_t fraction = (uint64_t)(ns % (uint64_t)NS_PER_S);
    unsigned digits = 9;
    begin_value(json);
    buffer_append_u64(json->out, (uint64_t)(ns / (uint64_t)NS_PER_S));
    if (fraction == 0) {
        return;
    }
    while (fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    buffer_append_byte(json->out, '.');
    buffer_append_u64_padded(json->out, fraction, digits);
}

void json_time(struct json_writer *json, int64_t realtime_ns)
{
    struct buffer *out = json->out;
    time_t seconds = (time_t)(realtime_ns / NS_PER_S);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    const int parts[] = {utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                         utc.tm_hour,        utc.tm_min,     utc.tm_sec};
    begin_value(json);
    buffer_append_byte(out, '"');
    for (unsigned i = 0; i < 6; i++) {
        buffer_append_u64_padded(out, (uint64_t)parts[i], i == 0 ? 4 : 2);
        buffer_append_byte(out, "--T::."[i]);
    }
    buffer_append_u64_padded(out, (uint64_t)(realtime_ns % NS_PER_S), 9);
    buffer_append_span(out, SPAN("Z\""));
}

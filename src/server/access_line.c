#include "server/access_line.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * This runs once per request, so it writes through a bare pointer: the longest line was made room
 * for, and its parts are bounded (ACCESS_TARGET_MAX_BYTES and the like).
 */
_Static_assert(
    6 * (ACCESS_TARGET_MAX_BYTES + ACCESS_METHOD_MAX_BYTES + ACCESS_ROUTE_NAME_MAX_BYTES) + 512 <=
        ACCESS_LINE_MAX_BYTES,
    "every part of a line has room");

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

static ALWAYS_INLINE char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

static const char digit_pairs[] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

/* Two digits of a number below 100. */
static ALWAYS_INLINE char *put_pair(char *at, uint32_t value)
{
    return put(at, digit_pairs + (size_t)2 * value, 2);
}

static ALWAYS_INLINE char *put_six_digits(char *at, uint32_t value)
{
    at = put_pair(at, value / 10000);
    at = put_pair(at, value / 100 % 100);
    return put_pair(at, value % 100);
}

/* A number below 1000: most of a line's (status, bytes of an address, seconds) are. */
static ALWAYS_INLINE char *put_below_1000(char *at, uint32_t value)
{
    if (value >= 100) {
        *at++ = (char)('0' + value / 100);
        return put_pair(at, value % 100);
    }
    if (value >= 10) {
        return put_pair(at, value);
    }
    *at++ = (char)('0' + value);
    return at;
}

static NO_INLINE char *put_large(char *at, uint64_t value)
{
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return put(at, digits + start, sizeof digits - start);
}

static ALWAYS_INLINE char *put_u64(char *at, uint64_t value)
{
    return LIKELY(value < 1000) ? put_below_1000(at, (uint32_t)value) : put_large(at, value);
}

/* Seconds with six digits behind the point. */
static inline char *put_seconds(char *at, int64_t ns)
{
    uint64_t us = (uint64_t)(ns < 0 ? 0 : ns) / (uint64_t)NS_PER_US;
    at = put_u64(at, us / 1000000);
    *at++ = '.';
    return put_six_digits(at, (uint32_t)(us % 1000000));
}

static char *put_time(struct access_line_writer *writer, char *at, int64_t realtime_ns)
{
    if (realtime_ns < 0) {
        realtime_ns = 0; /* a clock set before 1970 */
    }
    int64_t second = realtime_ns / NS_PER_S;
    if (UNLIKELY(second != writer->second)) {
        time_t seconds = (time_t)second;
        struct tm date;
        ASSERT(gmtime_r(&seconds, &date) != NULL);
        struct buffer text = buffer_over(writer->second_text, sizeof writer->second_text);
        buffer_append_u64_padded(&text, (uint64_t)date.tm_year + 1900, 4);
        buffer_append_byte(&text, '-');
        buffer_append_u64_padded(&text, (uint64_t)date.tm_mon + 1, 2);
        buffer_append_byte(&text, '-');
        buffer_append_u64_padded(&text, (uint64_t)date.tm_mday, 2);
        buffer_append_byte(&text, 'T');
        buffer_append_u64_padded(&text, (uint64_t)date.tm_hour, 2);
        buffer_append_byte(&text, ':');
        buffer_append_u64_padded(&text, (uint64_t)date.tm_min, 2);
        buffer_append_byte(&text, ':');
        buffer_append_u64_padded(&text, (uint64_t)date.tm_sec, 2);
        buffer_append_byte(&text, '.');
        writer->second = second;
    }
    at = put(at, writer->second_text, sizeof writer->second_text);
    at = put_six_digits(at, (uint32_t)(realtime_ns % NS_PER_S / NS_PER_US));
    *at++ = 'Z';
    return at;
}

static char *put_ipv4(char *at, const uint8_t *address)
{
    for (int i = 0; i < 4; i++) {
        at = put_below_1000(at, address[i]);
        *at++ = '.';
    }
    return at - 1;
}

static char *put_client(char *at, const struct access_record *record)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, section 2.5.5.2 */
    if (record->client == ACCESS_CLIENT_IPV4) {
        return put_ipv4(at, record->address);
    }
    if (record->client != ACCESS_CLIENT_IPV6) {
        return PUT(at, "unix");
    }
    if (memcmp(record->address, mapped, sizeof mapped) == 0) {
        return put_ipv4(at, record->address + sizeof mapped);
    }
    char text[INET6_ADDRSTRLEN];
    ASSERT(inet_ntop(AF_INET6, record->address, text, sizeof text) != NULL);
    return put(at, text, strlen(text));
}

/* Bytes that stand for themselves in both formats: printable ASCII but space, `"` and `\`. */
static bool is_plain(unsigned char byte)
{
    return byte > ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

static char *put_escaped(char *at, struct span text, const char *escape, size_t escape_length)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (LIKELY(is_plain(byte))) {
            *at++ = (char)byte;
        } else {
            at = put(at, escape, escape_length);
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        }
    }
    return at;
}

static char *write_text(struct access_line_writer *writer, const struct log_entry *entry, char *at)
{
    const struct access_record *record = entry->record;
    at = put_time(writer, at, record->completed_realtime_ns);
    *at++ = ' ';
    at = put_client(at, record);
    *at++ = ' ';
    at = put_escaped(at, entry->method.length > 0 ? entry->method : SPAN("-"), "\\x", 2);
    *at++ = ' ';
    at = put_escaped(at, entry->target.length > 0 ? entry->target : SPAN("-"), "\\x", 2);
    if (record->target_truncated) {
        at = PUT(at, "...");
    }
    *at++ = ' ';
    at = put_u64(at, record->status);
    *at++ = ' ';
    at = put_u64(at, record->response_bytes);
    at = PUT(at, " delay=");
    if (record->delay_ns == ACCESS_DELAY_NONE) {
        *at++ = '-';
    } else {
        at = put_seconds(at, record->delay_ns);
    }
    at = PUT(at, " total=");
    at = put_seconds(at, record->total_ns);
    *at++ = '\n';
    return at;
}

static char *write_json(struct access_line_writer *writer, const struct log_entry *entry, char *at)
{
    const struct access_record *record = entry->record;
    at = PUT(at, "{\"time\":\"");
    at = put_time(writer, at, record->completed_realtime_ns);
    at = PUT(at, "\",\"client\":\"");
    at = put_client(at, record);
    at = PUT(at, "\",\"port\":");
    at = put_u64(at, record->port);
    at = PUT(at, ",\"method\":\"");
    at = put_escaped(at, entry->method, "\\u00", 4);
    at = PUT(at, "\",\"path\":\"");
    at = put_escaped(at, entry->target, "\\u00", 4);
    at = PUT(at, "\",");
    if (record->target_truncated) {
        at = PUT(at, "\"path_truncated\":true,");
    }
    at = PUT(at, "\"protocol\":\"HTTP/1.");
    at = put_u64(at, record->version_minor);
    at = PUT(at, "\",\"status\":");
    at = put_u64(at, record->status);
    at = PUT(at, ",\"bytes\":");
    at = put_u64(at, record->response_bytes);
    at = PUT(at, ",\"delay\":");
    at =
        record->delay_ns == ACCESS_DELAY_NONE ? PUT(at, "null") : put_seconds(at, record->delay_ns);
    at = PUT(at, ",\"total\":");
    at = put_seconds(at, record->total_ns);
    if (record->route < writer->route_count) {
        const char *name = writer->route_names[record->route];
        at = PUT(at, ",\"route\":\"");
        at = put_escaped(at, span_of(name, strnlen(name, ACCESS_ROUTE_NAME_MAX_BYTES)), "\\u00", 4);
        *at++ = '"';
    }
    return PUT(at, "}\n");
}

struct access_line_writer
access_line_writer_make(enum log_format format, const char *const *route_names, size_t route_count)
{
    return (struct access_line_writer){.format = format,
                                       .route_names = route_names,
                                       .route_count = route_names == NULL ? 0 : route_count,
                                       .second = -1};
}

char *access_line_write(struct access_line_writer *writer, const struct log_entry *entry, char *at)
{
    char *end =
        writer->format == LOG_JSON ? write_json(writer, entry, at) : write_text(writer, entry, at);
    ASSERT((size_t)(end - at) <= ACCESS_LINE_MAX_BYTES);
    return end;
}

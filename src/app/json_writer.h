/*
 * JSON (RFC 8259) into a bounded buffer, commas set as needed. What does not fit sets the buffer's
 * `overflowed`; what there is then is not whole. One thread at a time.
 */
#pragma once

#include "base/buffer.h"

struct json_writer {
    struct buffer *out; /* not owned */
    bool comma;         /* a value stands before the next one */
};

/* `bracket` is one of { [ and ] }. */
void json_open(struct json_writer *json, char bracket);
void json_close(struct json_writer *json, char bracket);

/* The name of the member whose value comes next; plain ASCII without quotes. */
void json_name(struct json_writer *json, const char *name);

/* A string. Bytes that are not UTF-8 become U+FFFD. */
void json_text(struct json_writer *json, struct span text);

void json_u64(struct json_writer *json, uint64_t value);
void json_bool(struct json_writer *json, bool value);
void json_no_value(struct json_writer *json); /* null; json_null() is a name of jansson's */

/* The shortest text that reads back the same; null for what JSON cannot say. */
void json_double(struct json_writer *json, double value);

/* Nanoseconds as seconds: an exact decimal, without zeros at its end. */
void json_seconds(struct json_writer *json, unsigned __int128 ns);

/* Nanoseconds since 1970 as a string as RFC 3339 has it, in UTC with nine digits of the second. */
void json_time(struct json_writer *json, int64_t realtime_ns);

/* A line feed, between two values. */
void json_line(struct json_writer *json);

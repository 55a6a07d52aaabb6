/*
 * Durations and byte sizes as people write them, read exactly or not at all.
 *
 * A duration is a decimal number and a unit: ns, us (or µs), ms, s, m. A size is a decimal number
 * and a unit: none or B (bytes), KiB or Ki, MiB or Mi, GiB or Gi (powers of 1024). k, M and G are
 * refused, since they mean 1000 to some and 1024 to others. `0` needs no unit. There are no signs,
 * exponents or spaces, and what is not a whole number of nanoseconds or bytes is refused.
 *
 * Pure functions, any thread. `error` may be NULL. On failure: -EINVAL, and nothing but `error` is
 * written. Input may be hostile; time is linear in its length.
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/parse_error.h"
#include "base/span.h"

#include <stdint.h>

/* A decimal number as it was written, e.g. 1.50 is {150, 2} without trailing zeros: {15, 1}. */
struct decimal {
    uint64_t digits;
    unsigned scale; /* digits behind the point, 0 to 18 */
};

/* The scanners read from text[*offset] on and move *offset behind what they read. */
int decimal_scan(struct span text, size_t *offset, struct decimal *ret_decimal,
                 struct parse_error *error) WARN_UNUSED;
int duration_scan(struct span text, size_t *offset, int64_t *ret_ns,
                  struct parse_error *error) WARN_UNUSED;

int size_scan(struct span text, size_t *offset, uint64_t *ret_bytes,
              struct parse_error *error) WARN_UNUSED;

/* The whole text, at most INT64_MAX nanoseconds (292 years). */
int duration_parse(struct span text, int64_t *ret_ns, struct parse_error *error) WARN_UNUSED;

/* The whole text, at most INT64_MAX bytes, so that sums of a few cannot overflow 64 bits. */
int size_parse(struct span text, uint64_t *ret_bytes, struct parse_error *error) WARN_UNUSED;

/* The whole text, digits only. */
int count_parse(struct span text, uint64_t *ret_count, struct parse_error *error) WARN_UNUSED;

/* The nearest double. */
double decimal_value(struct decimal decimal);

void buffer_append_decimal(struct buffer *buffer, struct decimal decimal);

/*
 * Exact and read back by duration_parse: in the largest of s, ms, us and ns that makes it at least
 * 1 (`0s`, `1.5s`, `90s`, `200ms`, `12.345us`). `ns` must not be negative.
 */
void buffer_append_duration(struct buffer *buffer, int64_t ns);

/* In seconds with all nine digits behind the point: 1500000000 is `1.500000000`. Not negative. */
void buffer_append_seconds(struct buffer *buffer, int64_t ns);

/* Exact and read back by size_parse: in the largest unit that divides it (`64MiB`, `1536KiB`). */
void buffer_append_size(struct buffer *buffer, uint64_t bytes);

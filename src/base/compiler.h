/*
 * What C17 lacks and gcc and clang have: attributes, branch hints and checked conversions of form.
 */
#pragma once

#define WARN_UNUSED __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument)                                                  \
    __attribute__((format(printf, format_index, first_argument)))
#define COLD __attribute__((cold))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NO_INLINE __attribute__((noinline))
#define NONSTRING __attribute__((nonstring))

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Cores of the machines this runs on fetch lines of 64 bytes, and two at a time. */
#define CACHE_LINE_BYTES 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE_BYTES)))

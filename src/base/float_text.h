/*
 * The shortest decimal text that reads back to the same double, as Go's strconv prints it with
 * format 'g' and precision -1: exponent form when the decimal exponent is below -4 or at least 6
 * (`1.048576e+06`, `151000`, `5e-05`), `NaN`, `+Inf`, `-Inf`. Independent of the locale. The
 * algorithm is R. Giulietti's Schubfach ("The Schubfach way to render doubles", 2020).
 * Pure functions, any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Longest text: "-2.2250738585072014e-308". */
#define FLOAT_TEXT_MAX_BYTES 24

/* Writes the text of `value` without a NUL and returns its length, at most FLOAT_TEXT_MAX_BYTES. */
size_t float_text(double value, char text[FLOAT_TEXT_MAX_BYTES]);

/* The same text as float_text((double)value, ...), faster. */
size_t float_text_of_u64(uint64_t value, char text[FLOAT_TEXT_MAX_BYTES]);

#include "base/float_text.h"

#include "base/assert.h"
#include "base/float_text_table.h"

#include <stdbool.h>
#include <string.h>

#define FRACTION_BITS 52
#define HIDDEN_BIT (UINT64_C(1) << FRACTION_BITS)
#define EXPONENT_MASK 0x7ff
#define MIN_EXPONENT (-1074) /* of the last bit of a subnormal */
#define MASK_63 ((UINT64_C(1) << 63) - 1)
#define MAX_DIGITS 17

/* A decimal number: digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int exponent;
};

static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((unsigned __int128)a * b) >> 64);
}

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)) and floor(log2(10^e)) for all e of a double. */
static int floor_log10_pow2(int e)
{
    return (int)((e * INT64_C(661971961083)) >> 41);
}

static int floor_log10_three_quarters_pow2(int e)
{
    return (int)((e * INT64_C(661971961083) - INT64_C(274743187321)) >> 41);
}

static int floor_log2_pow10(int e)
{
    return (int)((e * INT64_C(913124641741)) >> 38);
}

/* Rounds g * c / 2^127 to odd: Schubfach, section 9.10. */
static uint64_t round_to_odd(const uint64_t power[2], uint64_t c)
{
    uint64_t x1 = multiply_high(power[1], c);
    uint64_t y0 = power[0] * c;
    uint64_t y1 = multiply_high(power[0], c);
    uint64_t z = (y0 >> 1) + x1;
    uint64_t w = y1 + (z >> 63);
    return w | (((z & MASK_63) + MASK_63) >> 63);
}

/* The shortest decimal in the rounding interval of c * 2^q, the closest of the shortest. */
static struct decimal shortest_decimal(uint64_t c, int q)
{
    uint64_t odd = c & 1;
    bool regular = c != HIDDEN_BIT || q == MIN_EXPONENT;
    uint64_t middle = c << 2;
    uint64_t left = regular ? middle - 2 : middle - 1;
    uint64_t right = middle + 2;
    int k = regular ? floor_log10_pow2(q) : floor_log10_three_quarters_pow2(q);
    int h = q + floor_log2_pow10(-k) + 2;
    ASSERT(-k >= FLOAT_TEXT_MIN_POWER && -k <= FLOAT_TEXT_MAX_POWER);
    const uint64_t *power = float_text_powers[-k - FLOAT_TEXT_MIN_POWER];
    uint64_t vb = round_to_odd(power, middle << h);
    uint64_t vbl = round_to_odd(power, left << h);
    uint64_t vbr = round_to_odd(power, right << h);
    uint64_t s = vb >> 2;
    if (s >= 10) {
        uint64_t below = s - s % 10;
        uint64_t above = below + 10;
        bool below_in = vbl + odd <= below << 2;
        bool above_in = (above << 2) + odd <= vbr;
        if (below_in != above_in) {
            return (struct decimal){below_in ? below : above, k};
        }
    }
    uint64_t t = s + 1;
    bool s_in = vbl + odd <= s << 2;
    bool t_in = (t << 2) + odd <= vbr;
    if (s_in != t_in) {
        return (struct decimal){s_in ? s : t, k};
    }
    int64_t distance = (int64_t)(vb - ((s + t) << 1));
    bool take_s = distance < 0 || (distance == 0 && (s & 1) == 0);
    return (struct decimal){take_s ? s : t, k};
}

/* Go's %e: d.ddde+XX with at least two digits of exponent. */
static size_t put_exponent_form(char *out, const char *digits, size_t count, int exponent)
{
    size_t length = 0;
    out[length++] = digits[0];
    if (count > 1) {
        out[length++] = '.';
        memcpy(out + length, digits + 1, count - 1);
        length += count - 1;
    }
    out[length++] = 'e';
    out[length++] = (char)(exponent < 0 ? '-' : '+');
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (magnitude >= 100) {
        out[length++] = (char)('0' + magnitude / 100);
        magnitude %= 100;
    }
    out[length++] = (char)('0' + magnitude / 10);
    out[length++] = (char)('0' + magnitude % 10);
    return length;
}

/* `exponent` is that of the first digit, -4 to 5. */
static size_t put_plain_form(char *out, const char *digits, size_t count, int exponent)
{
    size_t length = 0;
    if (exponent < 0) {
        out[length++] = '0';
        out[length++] = '.';
        for (int i = exponent + 1; i < 0; i++) {
            out[length++] = '0';
        }
        memcpy(out + length, digits, count);
        return length + count;
    }
    size_t whole = (size_t)exponent + 1;
    for (size_t i = 0; i < whole; i++) {
        out[length++] = i < count ? digits[i] : '0';
    }
    if (count > whole) {
        out[length++] = '.';
        memcpy(out + length, digits + whole, count - whole);
        length += count - whole;
    }
    return length;
}

static size_t put_decimal(char *out, struct decimal decimal)
{
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    char reversed[MAX_DIGITS + 3];
    size_t count = 0;
    do {
        count++;
        reversed[sizeof reversed - count] = (char)('0' + decimal.digits % 10);
        decimal.digits /= 10;
    } while (decimal.digits > 0);
    const char *digits = reversed + sizeof reversed - count;
    int exponent = decimal.exponent + (int)count - 1;
    if (exponent < -4 || exponent >= 6) {
        return put_exponent_form(out, digits, count, exponent);
    }
    return put_plain_form(out, digits, count, exponent);
}

size_t float_text_of_u64(uint64_t value, char text[FLOAT_TEXT_MAX_BYTES])
{
    if (value < 10) {
        text[0] = (char)('0' + value);
        return 1;
    }
    /* An integer that a double holds exactly, in few enough digits, is its own shortest text:
     * below 2^53 no shorter decimal lies within half a unit of it. */
    if (value < HIDDEN_BIT << 1) {
        return put_decimal(text, (struct decimal){value, 0});
    }
    return float_text((double)value, text);
}

static size_t put_special(bool negative, bool nan, char *text)
{
    memcpy(text, nan ? "NaN" : negative ? "-Inf" : "+Inf", nan ? 3 : 4);
    return nan ? 3 : 4;
}

size_t float_text(double value, char text[FLOAT_TEXT_MAX_BYTES])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool negative = bits >> 63;
    int biased = (int)(bits >> FRACTION_BITS) & EXPONENT_MASK;
    uint64_t fraction = bits & (HIDDEN_BIT - 1);
    if (biased == EXPONENT_MASK) {
        return put_special(negative, fraction != 0, text);
    }
    if (biased == 0 && fraction == 0) {
        text[0] = '0'; /* of either sign, as client_golang prints it */
        return 1;
    }
    size_t length = 0;
    if (negative) {
        text[length++] = '-';
    }
    uint64_t c = biased == 0 ? fraction : fraction | HIDDEN_BIT;
    int q = (biased == 0 ? 1 : biased) + MIN_EXPONENT - 1;
    /* A whole number that a double holds exactly needs no search. */
    if (q <= 0 && q > -53 && (c & ((UINT64_C(1) << -q) - 1)) == 0) {
        return length + float_text_of_u64(c >> -q, text + length);
    }
    return length + put_decimal(text + length, shortest_decimal(c, q));
}

#include "http/scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define TOKEN_HOST (SCAN_TOKEN | SCAN_HOST)
#define TOKEN_HOST_HEX (SCAN_TOKEN | SCAN_HOST | SCAN_HEX)

/* clang-format off */
const uint8_t scan_classes[256] = {
    ['0' ... '9'] = TOKEN_HOST_HEX,
    ['a' ... 'f'] = TOKEN_HOST_HEX, ['g' ... 'z'] = TOKEN_HOST,
    ['A' ... 'F'] = TOKEN_HOST_HEX, ['G' ... 'Z'] = TOKEN_HOST,
    ['!'] = TOKEN_HOST, ['$'] = TOKEN_HOST, ['&'] = TOKEN_HOST, ['\''] = TOKEN_HOST,
    ['*'] = TOKEN_HOST, ['+'] = TOKEN_HOST, ['-'] = TOKEN_HOST, ['.'] = TOKEN_HOST,
    ['_'] = TOKEN_HOST, ['~'] = TOKEN_HOST,
    ['#'] = SCAN_TOKEN, ['%'] = SCAN_TOKEN, ['^'] = SCAN_TOKEN, ['`'] = SCAN_TOKEN,
    ['|'] = SCAN_TOKEN,
    ['('] = SCAN_HOST, [')'] = SCAN_HOST, [','] = SCAN_HOST, [';'] = SCAN_HOST, ['='] = SCAN_HOST,
};
/* clang-format on */

const char *scan_token_scalar(const char *from, const char *end)
{
    while (from < end && scan_is(*from, SCAN_TOKEN)) {
        from++;
    }
    return from;
}

const char *scan_host_scalar(const char *from, const char *end)
{
    while (from < end && scan_is(*from, SCAN_HOST)) {
        from++;
    }
    return from;
}

const char *scan_field_value_scalar(const char *from, const char *end)
{
    while (from < end) {
        uint8_t byte = (uint8_t)*from;
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            break;
        }
        from++;
    }
    return from;
}

const char *scan_target_scalar(const char *from, const char *end)
{
    while (from < end) {
        uint8_t byte = (uint8_t)*from;
        if (byte <= 0x20 || byte >= 0x7f) {
            break;
        }
        from++;
    }
    return from;
}

#if defined(__SSE2__)

/*
 * Skips what nearly all names are made of and both classes contain: letters, digits, "-", "." and
 * "_". What stops it is looked at again, by the table.
 */
static ALWAYS_INLINE unsigned uncommon_bytes(__m128i bytes)
{
    __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
    /* Signed comparisons: bytes from 0x80 on are negative, so in no range. */
    __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                    _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
    __m128i digits = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('-' - 1)),
                                   _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
    __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'));
    __m128i underscore = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_'));
    __m128i good = _mm_or_si128(_mm_or_si128(letters, underscore), _mm_andnot_si128(slash, digits));
    return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

static ALWAYS_INLINE unsigned not_in_values(__m128i bytes)
{
    const __m128i last_control = _mm_set1_epi8(0x1f);
    /* Unsigned byte <= 0x1f: the smaller of both is the byte itself. */
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    __m128i bad =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')), control),
                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
    return (unsigned)_mm_movemask_epi8(bad);
}

static ALWAYS_INLINE unsigned not_in_targets(__m128i bytes)
{
    /* Signed: bytes from 0x80 on are negative, so not above a space. */
    __m128i good = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)),
                                    _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x20)));
    return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

/*
 * The first byte that stops, as far as vectors reach: up to seven bytes may be left. `stops` has a
 * bit for each byte, and stops at zeros.
 */
static ALWAYS_INLINE const char *skip(const char *from, const char *end,
                                      unsigned (*stops)(__m128i bytes))
{
    while (end - from >= 16) {
        unsigned mask = stops(_mm_loadu_si128((const __m128i *)(const void *)from));
        if (mask != 0) {
            return from + __builtin_ctz(mask);
        }
        from += 16;
    }
    if (end - from >= 8) { /* most hosts, many a head's last line; the other half is zeros */
        from += __builtin_ctz(stops(_mm_loadl_epi64((const __m128i *)(const void *)from)));
    }
    return from;
}

#elif defined(__ARM_NEON)

/* The index of the first byte of `bad` that is 0xff, or 16. */
static unsigned first_set(uint8x16_t bad)
{
    /* Four bits a byte: NEON has no movemask. */
    uint64_t nibbles =
        vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(bad), 4)), 0);
    return nibbles == 0 ? 16 : (unsigned)__builtin_ctzll(nibbles) / 4;
}

static ALWAYS_INLINE unsigned uncommon_bytes(uint8x16_t bytes)
{
    uint8x16_t lower = vorrq_u8(bytes, vdupq_n_u8(0x20));
    uint8x16_t letters =
        vandq_u8(vcgeq_u8(lower, vdupq_n_u8('a')), vcleq_u8(lower, vdupq_n_u8('z')));
    uint8x16_t digits =
        vandq_u8(vcgeq_u8(bytes, vdupq_n_u8('-')), vcleq_u8(bytes, vdupq_n_u8('9')));
    uint8x16_t slash = vceqq_u8(bytes, vdupq_n_u8('/'));
    uint8x16_t underscore = vceqq_u8(bytes, vdupq_n_u8('_'));
    uint8x16_t good = vorrq_u8(vorrq_u8(letters, underscore), vbicq_u8(digits, slash));
    return first_set(vmvnq_u8(good));
}

static ALWAYS_INLINE unsigned not_in_values(uint8x16_t bytes)
{
    uint8x16_t control = vcltq_u8(bytes, vdupq_n_u8(0x20));
    uint8x16_t tab = vceqq_u8(bytes, vdupq_n_u8('\t'));
    uint8x16_t delete = vceqq_u8(bytes, vdupq_n_u8(0x7f));
    return first_set(vorrq_u8(vbicq_u8(control, tab), delete));
}

static ALWAYS_INLINE unsigned not_in_targets(uint8x16_t bytes)
{
    uint8x16_t low = vcleq_u8(bytes, vdupq_n_u8(0x20));
    uint8x16_t high = vcgeq_u8(bytes, vdupq_n_u8(0x7f));
    return first_set(vorrq_u8(low, high));
}

/* The first byte that stops, as far as vectors reach: up to 15 bytes may be left. */
static ALWAYS_INLINE const char *skip(const char *from, const char *end,
                                      unsigned (*stops_at)(uint8x16_t bytes))
{
    while (end - from >= 16) {
        unsigned at = stops_at(vld1q_u8((const uint8_t *)from));
        if (at < 16) {
            return from + at;
        }
        from += 16;
    }
    return from;
}

#else

/* Without vectors nothing is skipped, and which bytes would stop does not matter. */
enum { uncommon_bytes, not_in_values, not_in_targets };

static ALWAYS_INLINE const char *skip(const char *from, const char *end, int stops)
{
    (void)end;
    (void)stops;
    return from;
}

#endif

const char *scan_token(const char *from, const char *end)
{
    return scan_token_scalar(skip(from, end, uncommon_bytes), end);
}

const char *scan_host(const char *from, const char *end)
{
    return scan_host_scalar(skip(from, end, uncommon_bytes), end);
}

const char *scan_field_value(const char *from, const char *end)
{
    return scan_field_value_scalar(skip(from, end, not_in_values), end);
}

const char *scan_target(const char *from, const char *end)
{
    return scan_target_scalar(skip(from, end, not_in_targets), end);
}

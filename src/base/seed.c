#include "base/seed.h"

#include "base/quantity.h"

/* Fowler, Noll and Vo's hash of 64 bits, variant 1a. */
static uint64_t fnv1a64(struct span text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.length; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", OOPSLA 2014): a bijection, so different numbers stay different under one name. */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t seed_key(uint64_t number, struct span name)
{
    return name.length == 0 ? number : mix64(number + fnv1a64(name));
}

struct seed seed_from_number(uint64_t number)
{
    return (struct seed){.key = number, .number = number};
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

int seed_parse(struct span text, struct seed *ret_seed, struct parse_error *error)
{
    size_t digits = 0;
    while (digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    if (digits == 0 || (digits < text.length && text.data[digits] != '@')) {
        return parse_error_expected(error, text, digits,
                                    digits == 0 ? "a digit" : "a digit or '@'");
    }
    uint64_t number = 0;
    int result = count_parse(span_of(text.data, digits), &number, error);
    if (result < 0) {
        return result;
    }
    struct seed seed = seed_from_number(number);
    if (digits < text.length) {
        struct span name = span_after(text, digits + 1);
        for (size_t i = 0; i < name.length || i == 0; i++) {
            if (i >= name.length || !is_name_byte(name.data[i])) {
                return parse_error_expected(error, text, digits + 1 + i,
                                            "a letter, a digit, '.', '_' or '-'");
            }
        }
        if (name.length > SEED_NAME_MAX_BYTES) {
            return parse_error_set(error, digits + 1, "the name is longer than %d bytes",
                                   SEED_NAME_MAX_BYTES);
        }
        memcpy(seed.name, name.data, name.length);
        seed.name_length = name.length;
        seed.key = seed_key(number, name);
    }
    *ret_seed = seed;
    return 0;
}

void buffer_append_seed(struct buffer *buffer, const struct seed *seed)
{
    buffer_append_u64(buffer, seed->number);
    if (seed->name_length > 0) {
        buffer_append_byte(buffer, '@');
        buffer_append(buffer, seed->name, seed->name_length);
    }
}

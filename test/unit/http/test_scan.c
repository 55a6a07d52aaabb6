#include "../cmocka_includes.h"

#include "base/random.h"
#include "http/scan.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 80

/* What the grammars say, in the plainest words. */
static bool is_field_value_byte(unsigned char byte)
{
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

static bool is_target_byte(unsigned char byte)
{
    return byte > ' ' && byte < 0x7f;
}

static bool is_in(unsigned char byte, const char *more)
{
    bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    bool digit = byte >= '0' && byte <= '9';
    return letter || digit || (byte != 0 && strchr(more, byte) != NULL);
}

static void the_classes_are_the_grammars(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        unsigned char b = (unsigned char)byte;
        assert_int_equal(scan_is((char)byte, SCAN_TOKEN), is_in(b, "!#$%&'*+-.^_`|~"));
        assert_int_equal(scan_is((char)byte, SCAN_HOST), is_in(b, "-._~!$&'()*+,;="));
        assert_int_equal(scan_is((char)byte, SCAN_HEX),
                         b != 0 && strchr("0123456789abcdefABCDEF", b) != NULL);
    }
}

typedef const char *scanner(const char *from, const char *end);

/* A scanner on a block with nothing behind it, at an address of any alignment. */
static size_t scanned(scanner *scan, const char *bytes, size_t length, size_t offset)
{
    char *exact = malloc(offset + length > 0 ? offset + length : 1);
    assert_non_null(exact);
    if (length > 0) {
        memcpy(exact + offset, bytes, length);
    }
    const char *stop = scan(exact + offset, exact + offset + length);
    assert_true(stop >= exact + offset && stop <= exact + offset + length);
    size_t result = (size_t)(stop - (exact + offset));
    free(exact);
    return result;
}

static void check_all(const char *bytes, size_t length, size_t offset)
{
    size_t value = 0, target = 0, token = 0, host = 0;
    while (value < length && is_field_value_byte((unsigned char)bytes[value])) {
        value++;
    }
    while (target < length && is_target_byte((unsigned char)bytes[target])) {
        target++;
    }
    while (token < length && scan_is(bytes[token], SCAN_TOKEN)) {
        token++;
    }
    while (host < length && scan_is(bytes[host], SCAN_HOST)) {
        host++;
    }
    assert_int_equal(scanned(scan_field_value, bytes, length, offset), value);
    assert_int_equal(scanned(scan_field_value_scalar, bytes, length, offset), value);
    assert_int_equal(scanned(scan_target, bytes, length, offset), target);
    assert_int_equal(scanned(scan_target_scalar, bytes, length, offset), target);
    assert_int_equal(scanned(scan_token, bytes, length, offset), token);
    assert_int_equal(scanned(scan_token_scalar, bytes, length, offset), token);
    assert_int_equal(scanned(scan_host, bytes, length, offset), host);
    assert_int_equal(scanned(scan_host_scalar, bytes, length, offset), host);
}

/* Each byte value at each place of runs of each length: what a vector's lane can see. */
static void every_byte_at_every_place(void **state)
{
    (void)state;
    char bytes[50];
    static const size_t lengths[] = {1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        for (size_t at = 0; at < lengths[i]; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(bytes, 'a', sizeof bytes);
                bytes[at] = (char)byte;
                check_all(bytes, lengths[i], 0);
            }
        }
    }
    check_all(bytes, 0, 0);
}

static void random_bytes_at_every_offset_and_length(void **state)
{
    (void)state;
    static const char likely[] = "az09/ \t\r\n\x7f\x80\xff\x1f\x20\x21\x7e";
    uint64_t draw = 0;
    for (size_t offset = 0; offset < 17; offset++) {
        for (size_t length = 0; length <= MAX_BYTES; length++) {
            for (unsigned rare = 1; rare <= 64; rare *= 8) {
                char bytes[MAX_BYTES];
                for (size_t i = 0; i < length; i++) {
                    uint64_t random = random_u64(random_draw(11, draw++, 0, 0));
                    bytes[i] = 'a';
                    if (random % rare == 0) {
                        bytes[i] = (random >> 32 & 1) != 0
                                       ? (char)(random >> 40)
                                       : likely[(random >> 40) % (sizeof likely - 1)];
                    }
                }
                check_all(bytes, length, offset);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_classes_are_the_grammars),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(random_bytes_at_every_offset_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/authority.h"

#include <stdlib.h>

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* RFC 3986, section 3.2: host [ ":" port ], without user information. */
static const struct span valid[] = {
    ROW("a"),
    ROW("example.com"),
    ROW("EXAMPLE.com."),
    ROW("h:"),
    ROW("h:0"),
    ROW("h:80"),
    ROW("h:00080"),
    ROW("h:99999999999999999999"), /* port = *DIGIT */
    ROW("a_b"),
    ROW("a%20b"),
    ROW("%41%fF"),
    ROW("0.0.0.0=5000"),
    ROW("127.0.0.1:8080"),
    ROW("999.999.999.999"), /* no IPv4address, but a reg-name */
    ROW("a-._~!$&'()*+,;=Z09"),
    ROW("[::1]"),
    ROW("[::1]:"),
    ROW("[::1]:8080"),
    ROW("[::]"),
    ROW("[2001:DB8::192.0.2.1]:80"),
    ROW("[::ffff:192.0.2.1]"),
    ROW("[1:2:3:4:5:6:7:8]"),
    ROW("[1:2:3:4:5:6:192.0.2.1]"),
    ROW("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"),
    ROW("[v1.a]"),
    ROW("[vF.a:b:c]:80"),
    ROW("[V0abc.!$&'()*+,;=:-._~]"),
};

static const struct span invalid[] = {
    ROW(""), /* an http URI needs a host (RFC 9110, section 4.2.1) */
    ROW(":"),
    ROW(":80"),
    ROW("h:80a"),
    ROW("h:a80"),
    ROW("h:+80"),
    ROW("h:-80"),
    ROW("h: 80"),
    ROW("h:80 "),
    ROW(" h"),
    ROW("h "),
    ROW("h\t"),
    ROW("a b"),
    ROW("a:b"),
    ROW("a:1:2"),
    ROW("::1"),
    ROW("a::"),
    ROW("h%zz"),
    ROW("h%4"),
    ROW("h%"),
    ROW("h%4g"),
    ROW("h%%41"),
    ROW("%"),
    ROW("%:80"),
    ROW("user@h"),
    ROW("user:secret@h:80"),
    ROW("h/"),
    ROW("/h"),
    ROW("h?"),
    ROW("h#a"),
    ROW("http://h"),
    ROW("h\\a"),
    ROW("h\"a\""),
    ROW("<h>"),
    ROW("h^"),
    ROW("h`"),
    ROW("h|"),
    ROW("{h}"),
    ROW("h[1]"),
    ROW("[::1"),
    ROW("::1]"),
    ROW("["),
    ROW("]"),
    ROW("[]"),
    ROW("[]:80"),
    ROW("[::1]80"),
    ROW("[::1]:80a"),
    ROW("[::1]:80:80"),
    ROW("[::1]a"),
    ROW("[[::1]]"),
    ROW("[::1]]"),
    ROW("[::1 ]"),
    ROW("[ ::1]"),
    ROW("[127.0.0.1]"),
    ROW("[example.com]"),
    ROW("[1:2:3:4:5:6:7]"),
    ROW("[1:2:3:4:5:6:7:8:9]"),
    ROW("[1::2::3]"),
    ROW("[:::]"),
    ROW("[:1]"),
    ROW("[1:]"),
    ROW("[12345::]"),
    ROW("[::g]"),
    ROW("[::1.2.3]"),
    ROW("[::1.2.3.256]"),
    ROW("[::01.2.3.4]"), /* dec-octet has no leading zero */
    ROW("[::1%25lo]"),
    ROW("[::1%lo]"),
    ROW("[fe80::1\0]"),
    ROW("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]"),
    ROW("[v]"),
    ROW("[v1]"),
    ROW("[v1.]"),
    ROW("[v.a]"),
    ROW("[vg.a]"),
    ROW("[v1.a/b]"),
    ROW("[v1.a%41]"),
    ROW("h\0"),
    ROW("\0"),
    ROW("h\x7f"),
    ROW("h\x80"),
    ROW("b\xc3\xbc"
        "cher.example"),
    ROW("h\r"),
    ROW("h\n"),
};

static bool is_valid(struct span text)
{
    char *exact = malloc(text.length > 0 ? text.length : 1);
    assert_non_null(exact);
    memcpy(exact, text.data, text.length);
    bool result = authority_is_valid(span_of(exact, text.length));
    free(exact);
    return result;
}

static void accepts_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        if (!is_valid(valid[i])) {
            fail_msg("refused: %s", valid[i].data);
        }
    }
}

static void refuses_everything_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++) {
        if (is_valid(invalid[i])) {
            fail_msg("accepted: %s", invalid[i].data);
        }
    }
    assert_false(authority_is_valid((struct span){0}));
}

/* No byte that ends an authority or a field is ever part of one, wherever it stands. */
static void no_delimiter_gets_in_anywhere(void **state)
{
    (void)state;
    static const char delimiters[] = "/?#@\\ \t\r\n\"<>^`{|}\0\x01\x1f\x7f\x80\xff";
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        char text[64];
        size_t length = valid[i].length;
        assert_true(length < sizeof text);
        for (size_t at = 0; at <= length; at++) {
            memcpy(text, valid[i].data, at);
            memcpy(text + at + 1, valid[i].data + at, length - at);
            for (size_t k = 0; k < sizeof delimiters - 1; k++) {
                text[at] = delimiters[k];
                assert_false(is_valid(span_of(text, length + 1)));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_grammar),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(no_delimiter_gets_in_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "http/accept_encoding.h"

static void gzip_is_allowed_where_it_is_named(void **state)
{
    (void)state;
    static const char *const values[] = {
        "gzip",
        "GZip",
        "x-gzip",
        "X-GZIP",
        "*",
        "gzip, deflate, br",
        "deflate,gzip",
        " deflate ,\tgzip\t, br",
        ",, ,gzip,,",
        "gzip;q=1",
        "gzip; q=0.5",
        "gzip ;\tq=1.000",
        "gzip;q=0.001",
        "gzip;Q=0.01",
        "br;q=1.0, gzip;q=0.8, *;q=0.1",
        "*;q=0.001",
        "identity;q=0, *",
        "*;q=0, gzip",
        "gzip, *;q=0",
        /* Both names mean the same: one of them is enough. */
        "gzip;q=0, x-gzip",
        "x-gzip;q=0, gzip;q=1",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        if (!accept_encoding_allows_gzip(span_from_string(values[i]))) {
            fail_msg("refused by: %s", values[i]);
        }
    }
}

static void gzip_is_not_used_unasked(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",
        " ",
        ",",
        ";",
        ";q=1",
        "identity",
        "deflate, br, zstd",
        "gzip;q=0",
        "gzip;q=0.0",
        "gzip; q=0.00",
        "gzip ; Q=0.000",
        "x-gzip;q=0",
        "gzip;q=0, deflate",
        "gzip;q=0, *",
        "*, gzip;q=0",
        "*;q=0",
        "*;q=0.000, br",
        "gzipp",
        "gzi",
        "agzip",
        "x-x-gzip",
        "gzip/1",
        "**",
        "br;gzip",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        if (accept_encoding_allows_gzip(span_from_string(values[i]))) {
            fail_msg("allowed by: %s", values[i]);
        }
    }
    /* What request_find returns for a field that is not there. */
    assert_false(accept_encoding_allows_gzip((struct span){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_allowed_where_it_is_named),
        cmocka_unit_test(gzip_is_not_used_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

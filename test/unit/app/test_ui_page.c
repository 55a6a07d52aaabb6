#include "app_fixture.h"

#include "app/web_assets.h"

static const struct web_asset *asset_named(const char *name)
{
    for (size_t i = 0; i < web_asset_count; i++) {
        if (span_equals(web_assets[i].name, span_from_string(name))) {
            return &web_assets[i];
        }
    }
    fail_msg("there is no %s", name);
    return NULL;
}

static void every_file_is_there_as_it_is_and_compressed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (size_t i = 0; i < web_asset_count; i++) {
        const struct web_asset *asset = &web_assets[i];
        char line[128];
        snprintf(line, sizeof line, "GET /ui/%.*s", (int)asset->name.length, asset->name.data);
        for (unsigned gzip = 0; gzip < 2; gzip++) {
            fixture_begin(&fixture, SURFACE_PUBLIC, line,
                          gzip == 1 ? "Accept-Encoding: br, gzip\r\n" : "");
            const char *answer = fixture_respond_whole(&fixture);
            struct span wanted = gzip == 1 ? asset->gzip : asset->plain;
            assert_status(answer, "200 OK");
            assert_int_equal(head_has_line(answer, "content-encoding: gzip"), gzip);
            assert_head_line(answer, "x-content-type-options: nosniff");
            assert_int_equal(fixture.exchange.source.length, wanted.length);
            const char *content = content_of(answer);
            assert_int_equal(fixture.output + fixture.output_bytes - content, wanted.length);
            assert_memory_equal(content, wanted.data, wanted.length);
        }
    }
    fixture_close(&fixture);
}

/* The whole policy: what it does not name is what `default-src 'none'` says. */
static void nothing_from_elsewhere_is_allowed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    fixture_begin(&fixture, SURFACE_PUBLIC, "GET /ui/", "");
    assert_head_line(fixture_respond_whole(&fixture),
                     "content-security-policy: default-src 'none'; script-src 'self'; "
                     "style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    fixture_close(&fixture);
}

static void who_has_it_is_not_sent_it_again(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    const struct web_asset *asset = asset_named("main.js");
    const struct {
        const char *before, *behind; /* the tag, in the field */
        bool gzip, has;
    } cases[] = {
        {"\"", "\"", false, true},    {"\"x\", W/\"", "\"", false, true},
        {"*, \"", "\"", false, true}, {"\"", "-gzip\"", true, true},
        {"\"", "\"", true, false},    {"\"", "-gzip\"", false, false},
        {"", "", false, false},       {"\"x", "\"", false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char fields[256];
        snprintf(fields, sizeof fields, "If-None-Match: %s%.*s%s\r\n%s", cases[i].before,
                 (int)asset->tag.length, asset->tag.data, cases[i].behind,
                 cases[i].gzip ? "Accept-Encoding: gzip\r\n" : "");
        fixture_begin(&fixture, SURFACE_PUBLIC, "GET /ui/main.js", fields);
        const char *answer = fixture_respond_whole(&fixture);
        assert_status(answer, cases[i].has ? "304 Not Modified" : "200 OK");
        assert_int_equal(strlen(content_of(answer)) == 0, cases[i].has);
        assert_head_line(answer, "vary: accept-encoding");
    }
    fixture_close(&fixture);
}

static void other_paths_are_not_there(void **state)
{
    (void)state;
    static const char *const lines[] = {"GET /ui/x", "GET /ui/main.jsx", "GET /ui/main.js/",
                                        "GET /ui//", "GET /ui/..",       "GET /uix"};
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        assert_status(fixture_answer(&fixture, SURFACE_PUBLIC, lines[i], ""), "404 Not Found");
    }
    const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /ui", "");
    assert_status(answer, "308 Permanent Redirect");
    assert_head_line(answer, "location: ui/");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_there_as_it_is_and_compressed),
        cmocka_unit_test(nothing_from_elsewhere_is_allowed),
        cmocka_unit_test(who_has_it_is_not_sent_it_again),
        cmocka_unit_test(other_paths_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "app_fixture.h"

#include <zlib.h>

#define PAGE_BYTES ((size_t)1 << 20)

struct pulled {
    char *bytes; /* with a NUL behind */
    size_t length;
    unsigned turns; /* of the engine's loop: as often as the source said that it was enough */
};

/* What the engine does with the source of a streamed answer. */
static struct pulled pull_all(struct app_fixture *fixture)
{
    struct content_source *source = &fixture->exchange.source;
    struct pulled pulled = {.bytes = malloc(PAGE_BYTES), .turns = 1};
    assert_non_null(pulled.bytes);
    struct content_pace pace;
    ssize_t got = 0;
    do {
        pace = (struct content_pace){0};
        got = source->pull(source->context, pulled.bytes + pulled.length,
                           PAGE_BYTES - pulled.length, &pace);
        assert_true(got >= 0);
        pulled.length += (size_t)got;
        pulled.turns += pace.enough;
        assert_true(pulled.length < PAGE_BYTES);
    } while (got > 0 || pace.enough);
    source->close(source->context, true);
    pulled.bytes[pulled.length] = '\0';
    return pulled;
}

static char *uncompressed(const struct pulled *page)
{
    z_stream stream = {.next_in = (Bytef *)page->bytes, .avail_in = (uInt)page->length};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    char *text = malloc(PAGE_BYTES);
    assert_non_null(text);
    stream.next_out = (Bytef *)text;
    stream.avail_out = PAGE_BYTES - 1;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    text[stream.total_out] = '\0';
    assert_int_equal(inflateEnd(&stream), Z_OK);
    return text;
}

static void the_page_is_streamed(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    const char *head = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /metrics", "");
    assert_non_null(strstr(head, "\r\ncontent-type: text/plain; version=0.0.4"));
    assert_non_null(strstr(head, "\r\nvary: accept, accept-encoding\r\n"));
    assert_null(strstr(head, "content-encoding"));
    assert_page_line(fixture.meter, "promhttp_metric_handler_requests_in_flight 1");
    struct pulled page = pull_all(&fixture);
    assert_non_null(strstr(page.bytes, "\n# TYPE httpserver_build_info gauge\n"));
    free(page.bytes);
    assert_page_line(fixture.meter, "promhttp_metric_handler_requests_in_flight 0");
    assert_page_line(fixture.meter, "promhttp_metric_handler_requests_total{code=\"200\"} 1");
    fixture_close(&fixture);
}

/* One turn, so that it is sent next to its head, with its length. */
static void a_usual_page_is_compressed_at_once(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    const char *head =
        fixture_answer(&fixture, SURFACE_PUBLIC, "GET /metrics", "Accept-Encoding: gzip\r\n");
    assert_non_null(strstr(head, "\r\ncontent-encoding: gzip\r\n"));
    struct pulled page = pull_all(&fixture);
    assert_int_equal(page.turns, 1);
    char *text = uncompressed(&page);
    assert_non_null(strstr(text, "\n# TYPE httpserver_build_info gauge\n"));
    free(text);
    free(page.bytes);
    fixture_close(&fixture);
}

/* Whoever waits for the turn to end waits for a few KiB of it, however well it compresses. */
static void a_large_page_is_compressed_over_many_turns(void **state)
{
    (void)state;
    enum { SERIES = 10000 };
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct meter_family *family = meter_register(
        fixture.meter,
        &(struct meter_description){
            .type = METER_GAUGE, .name = "many", .labels = METER_LABELS("n"), .max_series = SERIES},
        NULL);
    assert_non_null(family);
    for (unsigned i = 0; i < SERIES; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        meter_gauge_set(meter_gauge_get(family, METER_LABELS(number)), i);
    }
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /metrics", "Accept-Encoding: gzip\r\n");
    struct pulled page = pull_all(&fixture);
    char *text = uncompressed(&page);
    assert_true(strlen(text) > 150000 && page.length < strlen(text) / 4);
    assert_in_range(page.turns, strlen(text) / 16384, strlen(text) / 4096);
    assert_non_null(strstr(text, "\nmany{n=\"0\"} 0\n"));
    assert_non_null(strstr(text, "\nmany{n=\"9999\"} 9999\n"));
    free(text);
    free(page.bytes);
    fixture_close(&fixture);
}

static void too_many_scrapes_at_once_are_refused(void **state)
{
    (void)state;
    struct app_fixture fixture;
    fixture_open(&fixture, "none", true);
    struct content_source open[64];
    unsigned count = 0;
    for (;;) {
        const char *answer = fixture_answer(&fixture, SURFACE_PUBLIC, "GET /metrics", "");
        if (fixture.exchange.status == 503) {
            assert_status(answer, "503 Service Unavailable");
            assert_null(fixture.exchange.source.pull);
            break;
        }
        assert_true(count < ARRAY_LENGTH(open));
        open[count++] = fixture.exchange.source;
    }
    assert_true(count > 0);
    for (unsigned i = 0; i < count; i++) {
        open[i].close(open[i].context, i > 0); /* the first client left */
    }
    assert_page_line(fixture.meter, "promhttp_metric_handler_requests_in_flight 0");
    assert_page_line(fixture.meter, "promhttp_metric_handler_requests_total{code=\"503\"} 1");
    assert_page_line(fixture.meter, "promhttp_metric_handler_requests_total{code=\"500\"} 1");
    (void)fixture_answer(&fixture, SURFACE_PUBLIC, "GET /metrics", "");
    assert_int_equal(fixture.exchange.status, 200);
    fixture.exchange.source.close(fixture.exchange.source.context, false);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_streamed),
        cmocka_unit_test(a_usual_page_is_compressed_at_once),
        cmocka_unit_test(a_large_page_is_compressed_over_many_turns),
        cmocka_unit_test(too_many_scrapes_at_once_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

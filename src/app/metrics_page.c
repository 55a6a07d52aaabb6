#include "app/metrics_page.h"

#include "base/assert.h"
#include "http/accept_encoding.h"
#include "http/response.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

/* Scrapes at one time, over all workers: each that is compressed takes 270 KiB. */
#define MAX_SCRAPES 16
#define GZIP_WINDOW_BITS (15 + 16) /* zlib: 16 more asks for the gzip format */
#define GZIP_LEVEL 1               /* a page is repetitive: higher levels cost much, gain little */
#define PLAIN_BYTES ((size_t)8192) /* compressed at a time */

/* What respond() needs to know of the request. */
struct scrape_request {
    enum meter_format format;
    bool gzip;
};

struct metrics_page {
    struct app_metrics *metrics;
    struct meter_scrape *scrape;
    bool gzip;
    bool plain_ended;
    z_stream stream;
    char plain[PLAIN_BYTES];
};

static _Atomic unsigned running_scrapes;

static ssize_t pull_plain(void *context, char *memory, size_t capacity)
{
    struct metrics_page *page = context;
    return meter_scrape_read(page->scrape, memory, capacity);
}

static ssize_t pull_gzip(void *context, char *memory, size_t capacity)
{
    struct metrics_page *page = context;
    z_stream *stream = &page->stream;
    stream->next_out = (Bytef *)memory;
    stream->avail_out = (uInt)capacity;
    while (stream->avail_out == capacity) {
        if (stream->avail_in == 0 && !page->plain_ended) {
            ssize_t got = meter_scrape_read(page->scrape, page->plain, sizeof page->plain);
            if (got < 0) {
                return got;
            }
            page->plain_ended = got == 0;
            stream->next_in = (Bytef *)page->plain;
            stream->avail_in = (uInt)got;
        }
        int result = deflate(stream, page->plain_ended ? Z_FINISH : Z_NO_FLUSH);
        if (result == Z_STREAM_END) {
            break;
        }
        ASSERT(result == Z_OK || result == Z_BUF_ERROR);
    }
    return (ssize_t)(capacity - stream->avail_out);
}

static void end_page(struct metrics_page *page)
{
    meter_scrape_end(page->scrape);
    if (page->gzip) {
        (void)deflateEnd(&page->stream); /* Z_DATA_ERROR: ended before its time, as intended */
    }
    meter_gauge_dec(page->metrics->scrapes_in_flight);
    free(page);
    atomic_fetch_sub(&running_scrapes, 1);
}

static void close_page(void *context, bool whole)
{
    struct metrics_page *page = context;
    meter_counter_inc(whole ? page->metrics->scrapes_ok : page->metrics->scrapes_failed);
    end_page(page);
}

static struct metrics_page *start_page(struct app_metrics *metrics,
                                       const struct scrape_request *wanted)
{
    if (atomic_fetch_add(&running_scrapes, 1) >= MAX_SCRAPES) {
        atomic_fetch_sub(&running_scrapes, 1);
        return NULL;
    }
    struct metrics_page *page = calloc(1, sizeof *page);
    if (page == NULL) {
        atomic_fetch_sub(&running_scrapes, 1);
        return NULL;
    }
    meter_gauge_inc(metrics->scrapes_in_flight);
    page->metrics = metrics;
    page->scrape = meter_scrape_begin(metrics->meter, wanted->format);
    page->gzip = wanted->gzip && deflateInit2(&page->stream, GZIP_LEVEL, Z_DEFLATED,
                                              GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (page->scrape == NULL || page->gzip != wanted->gzip) {
        end_page(page);
        return NULL;
    }
    return page;
}

void metrics_page_begin(struct app_worker *worker, struct exchange *exchange,
                        const struct request *request, struct buffer *keep)
{
    (void)worker;
    (void)exchange;
    struct span accept = request_find(request, SPAN("accept"));
    struct scrape_request wanted = {
        .format = meter_negotiate_text(accept.data, accept.length),
        .gzip = accept_encoding_allows_gzip(request_find(request, SPAN("accept-encoding"))),
    };
    buffer_append(keep, &wanted, sizeof wanted);
}

void metrics_page_respond(struct app_worker *worker, struct exchange *exchange,
                          struct response *response)
{
    struct scrape_request wanted;
    ASSERT(exchange->kept.length == sizeof wanted);
    memcpy(&wanted, exchange->kept.data, sizeof wanted);
    struct app_metrics *metrics = &worker->app->metrics;
    struct metrics_page *page = start_page(metrics, &wanted);
    if (page == NULL) {
        meter_counter_inc(metrics->scrapes_refused);
        exchange->status = 503;
        response_plain_text(response, SPAN("too many scrapes at once, or no memory for one\n"));
        return;
    }
    response_start(response);
    response_field(response, SPAN("content-type"),
                   span_from_string(meter_content_type(wanted.format)));
    response_field(response, SPAN("vary"), SPAN("accept, accept-encoding"));
    if (page->gzip) {
        response_field(response, SPAN("content-encoding"), SPAN("gzip"));
    }
    response_finish_with_source(response, (struct content_source){
                                              .pull = page->gzip ? pull_gzip : pull_plain,
                                              .close = close_page,
                                              .context = page,
                                          });
}

#include "app/metrics_page.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/places.h"
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
/* What is compressed in a turn of the loop, whose end others wait for; a usual page is one turn. */
#define FIRST_SHARE 5 /* times PLAIN_BYTES */
#define SHARE 1

/* What respond() needs to know of the request. */
struct scrape_request {
    enum meter_format format;
    bool gzip;
    uint8_t user_agent_bytes;
    char user_agent[SCRAPE_USER_AGENT_BYTES];
};

struct metrics_page {
    struct app_metrics *metrics;
    struct meter_scrape *scrape;
    bool gzip;
    bool plain_ended;
    struct scrape_log *log;      /* not owned */
    struct scrape_record record; /* what the page shows */
    z_stream stream;
    unsigned share; /* left of the turn's: times PLAIN_BYTES */
    char plain[PLAIN_BYTES];
};

static _Atomic unsigned running_scrapes;

/*
 * What the page showed is logged when its end was made, which is before its last byte can be sent:
 * who has read the page finds it in the log.
 */
static ssize_t read_plain(struct metrics_page *page, char *memory, size_t capacity)
{
    ssize_t got = meter_scrape_read(page->scrape, memory, capacity);
    if (got == 0 && capacity > 0 && !page->plain_ended) {
        page->plain_ended = true;
        page->record.ended_realtime_ns = clock_realtime_ns();
        scrape_log_add(page->log, &page->record);
    }
    return got;
}

static ssize_t pull_plain(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)pace;
    return read_plain(context, memory, capacity);
}

/* However well a page compresses, so that no output comes for long, a turn has its share only. */
static ssize_t pull_gzip(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    struct metrics_page *page = context;
    z_stream *stream = &page->stream;
    stream->next_out = (Bytef *)memory;
    stream->avail_out = (uInt)capacity;
    while (stream->avail_out == capacity) {
        if (stream->avail_in == 0 && !page->plain_ended) {
            if (page->share == 0) {
                page->share = SHARE;
                pace->enough = true;
                break;
            }
            page->share--;
            ssize_t got = read_plain(page, page->plain, sizeof page->plain);
            if (got < 0) {
                return got;
            }
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
    places_give(&running_scrapes);
}

static void close_page(void *context, bool whole)
{
    struct metrics_page *page = context;
    meter_counter_inc(whole ? page->metrics->scrapes_ok : page->metrics->scrapes_failed);
    end_page(page);
}

/* Has the scrape note what it shows. */
static bool follow(struct metrics_page *page, const struct scrape_request *wanted,
                   const struct peer_address *client)
{
    page->record.begun_realtime_ns = clock_realtime_ns();
    page->record.format = wanted->format;
    page->record.client = *client;
    page->record.user_agent_bytes = wanted->user_agent_bytes;
    memcpy(page->record.user_agent, wanted->user_agent, sizeof wanted->user_agent);
    return scrape_record_follow(&page->record, page->scrape) == 0;
}

static struct metrics_page *start_page(struct app *app, const struct scrape_request *wanted,
                                       const struct peer_address *client)
{
    struct app_metrics *metrics = &app->metrics;
    if (!places_take(&running_scrapes, MAX_SCRAPES)) {
        return NULL;
    }
    struct metrics_page *page = calloc(1, sizeof *page);
    if (page == NULL) {
        places_give(&running_scrapes);
        return NULL;
    }
    meter_gauge_inc(metrics->scrapes_in_flight);
    page->metrics = metrics;
    page->log = app->truth.scrapes;
    page->scrape = meter_scrape_begin(metrics->meter, wanted->format);
    page->share = FIRST_SHARE;
    page->gzip = wanted->gzip && deflateInit2(&page->stream, GZIP_LEVEL, Z_DEFLATED,
                                              GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (page->scrape == NULL || page->gzip != wanted->gzip || !follow(page, wanted, client)) {
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
    struct span agent = request_find(request, SPAN("user-agent"));
    wanted.user_agent_bytes =
        (uint8_t)(agent.length < sizeof wanted.user_agent ? agent.length
                                                          : sizeof wanted.user_agent);
    if (wanted.user_agent_bytes > 0) {
        memcpy(wanted.user_agent, agent.data, wanted.user_agent_bytes);
    }
    buffer_append(keep, &wanted, sizeof wanted);
}

void metrics_page_respond(struct app_worker *worker, struct exchange *exchange,
                          struct response *response)
{
    struct scrape_request wanted;
    ASSERT(exchange->kept.length == sizeof wanted);
    memcpy(&wanted, exchange->kept.data, sizeof wanted);
    struct app_metrics *metrics = &worker->app->metrics;
    struct metrics_page *page = start_page(worker->app, &wanted, &exchange->client);
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

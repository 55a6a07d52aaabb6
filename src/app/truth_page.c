#include "app/truth_page.h"

#include "app/staging.h"
#include "app/truth_json.h"
#include "app/truth_query.h"
#include "base/assert.h"
#include "base/places.h"
#include "http/response.h"

#include <stdlib.h>

/* Answers being made at one time, over all workers: each takes some 50 KiB, and for a window 220
 * KiB more at most. */
#define MAX_PAGES 16
/* The longest piece is a scrape with all the requests that are kept of one. */
#define STAGED_BYTES ((size_t)32768)

struct truth_page {
    struct truth_json json;
    struct staging staging;
    char memory[STAGED_BYTES];
};

static _Atomic unsigned running_pages;

static bool next_part(void *context, struct buffer *part)
{
    struct truth_page *page = context;
    return truth_json_next(&page->json, part);
}

static ssize_t pull_page(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)pace;
    struct truth_page *page = context;
    return staging_pull(&page->staging, next_part, page, memory, capacity);
}

static void close_page(void *context, bool whole)
{
    (void)whole;
    struct truth_page *page = context;
    truth_json_end(&page->json);
    free(page);
    places_give(&running_pages);
}

static struct truth_page *start_page(struct app *app, const struct truth_query *query)
{
    if (!places_take(&running_pages, MAX_PAGES)) {
        return NULL;
    }
    struct truth_page *page = malloc(sizeof *page);
    if (page == NULL || truth_json_begin(&page->json, app, query) != 0) {
        free(page);
        places_give(&running_pages);
        return NULL;
    }
    page->staging = staging_over(page->memory, sizeof page->memory);
    return page;
}

void truth_page_begin(struct app_worker *worker, struct exchange *exchange,
                      const struct request *request, struct buffer *keep)
{
    (void)worker;
    struct truth_query query;
    struct parse_error error;
    if (truth_query_parse(request->query, &query, &error) == 0) {
        buffer_append(keep, &query, sizeof query);
    } else {
        exchange->status = 400;
        buffer_append_span(keep, span_from_string(error.message));
        buffer_append_byte(keep, '\n');
    }
}

void truth_page_respond(struct app_worker *worker, struct exchange *exchange,
                        struct response *response)
{
    if (exchange->status != 200) {
        response_plain_text(response, exchange->kept);
        return;
    }
    struct truth_query query;
    ASSERT(exchange->kept.length == sizeof query);
    memcpy(&query, exchange->kept.data, sizeof query);
    struct truth_page *page = start_page(worker->app, &query);
    if (page == NULL) {
        exchange->status = 503;
        response_plain_text(response, SPAN("too many of these at once, or no memory for one\n"));
        return;
    }
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("application/json"));
    response_field(response, SPAN("cache-control"), SPAN("no-store"));
    response_finish_with_source(response, (struct content_source){
                                              .pull = pull_page,
                                              .close = close_page,
                                              .context = page,
                                          });
}

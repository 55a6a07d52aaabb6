#include "app/ui_page.h"

#include "app/ui_server.h"
#include "app/web_assets.h"
#include "base/assert.h"
#include "http/accept_encoding.h"
#include "http/list.h"
#include "http/response.h"

#include <stdlib.h>

/* Nothing but what this server sends is loaded or asked, and no other page shows it in a frame. */
#define CONTENT_SECURITY_POLICY                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* What respond() is to do; index into web_assets, or one of these. */
enum { UI_REDIRECT = -1, UI_SERVER = -2 };

struct ui_request {
    int asset;
    bool gzip;
};

/* A file on its way. */
struct sent_asset {
    struct span left;
};

static int find_asset(struct span name)
{
    for (size_t i = 0; i < web_asset_count; i++) {
        if (span_equals(name, web_assets[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

/* The tag of a variant: each has its own (RFC 9110, section 8.8.3.3). With quotes. */
static struct span tag_of(const struct web_asset *asset, bool gzip, char memory[64])
{
    struct buffer tag = buffer_over(memory, 64);
    buffer_append_byte(&tag, '"');
    buffer_append_span(&tag, asset->tag);
    buffer_append_span(&tag, gzip ? SPAN("-gzip\"") : SPAN("\""));
    ASSERT(!tag.overflowed);
    return buffer_span(&tag);
}

/* If-None-Match (RFC 9110, section 13.1.2): tags contain no commas here, so it is a plain list. */
static bool has_it(struct span if_none_match, struct span tag)
{
    struct span item;
    while (list_next(&if_none_match, &item)) {
        if (span_starts_with(item, SPAN("W/"))) {
            item = span_after(item, 2);
        }
        if (span_equals(item, tag) || span_equals(item, SPAN("*"))) {
            return true;
        }
    }
    return false;
}

void ui_page_begin(struct app_worker *worker, struct exchange *exchange,
                   const struct request *request, struct buffer *keep)
{
    (void)worker;
    struct ui_request wanted = {
        .asset = UI_REDIRECT,
        .gzip = accept_encoding_allows_gzip(request_find(request, SPAN("accept-encoding"))),
    };
    size_t prefix_bytes = route_at(ROUTE_UI)->prefix.length;
    if (request->path.length < prefix_bytes) {
        exchange->status = 308;
    } else {
        struct span name = span_after(request->path, prefix_bytes);
        wanted.asset = span_equals(name, SPAN("server.json")) ? UI_SERVER : find_asset(name);
        if (wanted.asset == -1) {
            exchange->status = 404;
            exchange->refused = true;
            return;
        }
    }
    if (wanted.asset >= 0) {
        char memory[64];
        struct span tag = tag_of(&web_assets[wanted.asset], wanted.gzip, memory);
        if (has_it(request_find(request, SPAN("if-none-match")), tag)) {
            exchange->status = 304;
        }
    }
    buffer_append(keep, &wanted, sizeof wanted);
}

static ssize_t pull_asset(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)pace;
    struct sent_asset *sent = context;
    size_t bytes = sent->left.length < capacity ? sent->left.length : capacity;
    memcpy(memory, sent->left.data, bytes);
    sent->left = span_after(sent->left, bytes);
    return (ssize_t)bytes;
}

static void close_asset(void *context, bool whole)
{
    (void)whole;
    free(context);
}

static void respond_asset(const struct web_asset *asset, bool gzip, struct exchange *exchange,
                          struct response *response)
{
    struct sent_asset *sent = NULL;
    struct span content = gzip ? asset->gzip : asset->plain;
    if (exchange->status == 200) {
        sent = malloc(sizeof *sent);
        if (sent == NULL) {
            exchange->status = 503;
            response_plain_text(response, SPAN("there is no memory for it\n"));
            return;
        }
        sent->left = content;
    }
    char memory[64];
    response_start(response);
    response_field(response, SPAN("etag"), tag_of(asset, gzip, memory));
    response_field(response, SPAN("cache-control"), SPAN("no-cache"));
    response_field(response, SPAN("vary"), SPAN("accept-encoding"));
    response_field(response, SPAN("content-security-policy"), SPAN(CONTENT_SECURITY_POLICY));
    if (sent == NULL) {
        response_finish_without_content(response);
        return;
    }
    response_field(response, SPAN("content-type"), asset->content_type);
    response_field(response, SPAN("x-content-type-options"), SPAN("nosniff"));
    response_field(response, SPAN("referrer-policy"), SPAN("no-referrer"));
    response_field(response, SPAN("cross-origin-opener-policy"), SPAN("same-origin"));
    if (gzip) {
        response_field(response, SPAN("content-encoding"), SPAN("gzip"));
    }
    response_finish_with_source(response, (struct content_source){.pull = pull_asset,
                                                                  .close = close_asset,
                                                                  .context = sent,
                                                                  .length = content.length});
}

void ui_page_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response)
{
    struct ui_request wanted;
    ASSERT(exchange->kept.length == sizeof wanted);
    memcpy(&wanted, exchange->kept.data, sizeof wanted);
    if (wanted.asset == UI_SERVER) {
        ui_server_respond(worker->app, exchange, response);
    } else if (wanted.asset == UI_REDIRECT) {
        response_start(response);
        /* Relative: right behind a proxy that serves it under a path of its own, too. */
        response_field(response, SPAN("location"), SPAN("ui/"));
        response_finish(response, SPAN(""));
    } else {
        respond_asset(&web_assets[wanted.asset], wanted.gzip, exchange, response);
    }
}

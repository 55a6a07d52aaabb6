#include "app/ui_page.h"

#include "app/live_json.h"
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

/* Of server.json: head and end, and of each rule that is in force. */
#define HEAD_BYTES ((size_t)4096)
#define RULE_BYTES ((size_t)81920)
/* Of them being sent, over all workers. */
#define MAX_SERVER_TEXTS 16

/* What respond() is to do; index into web_assets, or one of these. */
enum { UI_REDIRECT = -1, UI_SERVER = -2 };

struct ui_request {
    int asset;
    bool gzip;
};

/* Text on its way: an asset's, or one that was made for it. */
struct sent_text {
    struct span left;
    bool counted; /* in server_texts */
    char made[];  /* owned */
};

static _Atomic unsigned server_texts;

static const struct span path_prefix = {"/ui/", 4};

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
    if (request->path.length < path_prefix.length) {
        exchange->status = 308;
    } else {
        struct span name = span_after(request->path, path_prefix.length);
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

static ssize_t pull_text(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)pace;
    struct sent_text *text = context;
    size_t bytes = text->left.length < capacity ? text->left.length : capacity;
    memcpy(memory, text->left.data, bytes);
    text->left = span_after(text->left, bytes);
    return (ssize_t)bytes;
}

static void close_text(void *context, bool whole)
{
    (void)whole;
    struct sent_text *text = context;
    if (text->counted) {
        atomic_fetch_sub(&server_texts, 1);
    }
    free(text);
}

static void respond_without_memory(struct exchange *exchange, struct response *response)
{
    exchange->status = 503;
    response_plain_text(response, SPAN("too many of these at once, or no memory for one\n"));
}

static void finish_with_text(struct response *response, struct sent_text *text)
{
    response_finish_with_source(
        response, (struct content_source){.pull = pull_text, .close = close_text, .context = text});
}

static void respond_asset(const struct web_asset *asset, bool gzip, struct exchange *exchange,
                          struct response *response)
{
    struct sent_text *text = NULL;
    if (exchange->status == 200) {
        text = calloc(1, sizeof *text);
        if (text == NULL) {
            respond_without_memory(exchange, response);
            return;
        }
        text->left = gzip ? asset->gzip : asset->plain;
    }
    char memory[64];
    response_start(response);
    response_field(response, SPAN("etag"), tag_of(asset, gzip, memory));
    response_field(response, SPAN("cache-control"), SPAN("no-cache"));
    response_field(response, SPAN("vary"), SPAN("accept-encoding"));
    response_field(response, SPAN("content-security-policy"), SPAN(CONTENT_SECURITY_POLICY));
    if (text == NULL) {
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
    finish_with_text(response, text);
}

static struct sent_text *make_server_text(const struct app *app, const struct rule_views *views)
{
    unsigned count = 0; /* those in force come first */
    while (count < views->count && views->list[count].in_force) {
        count++;
    }
    size_t capacity = HEAD_BYTES + count * RULE_BYTES;
    struct sent_text *text = malloc(sizeof *text + capacity);
    if (text == NULL) {
        return NULL;
    }
    text->counted = true;
    struct buffer out = buffer_over(text->made, capacity);
    struct json_writer json = {.out = &out};
    live_json_server_head(app, &json);
    for (unsigned i = 0; i < count; i++) {
        live_json_server_rule(&views->list[i], &json);
    }
    live_json_server_end(&json);
    ASSERT(!out.overflowed);
    text->left = buffer_span(&out);
    return text;
}

static void respond_server(struct app *app, struct exchange *exchange, struct response *response)
{
    struct sent_text *text = NULL;
    if (atomic_fetch_add(&server_texts, 1) < MAX_SERVER_TEXTS) {
        struct rule_views views;
        rule_book_hold(&app->rules, &views);
        text = make_server_text(app, &views);
        rule_book_release(&app->rules, &views);
    }
    if (text == NULL) {
        atomic_fetch_sub(&server_texts, 1);
        respond_without_memory(exchange, response);
        return;
    }
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("application/json"));
    response_field(response, SPAN("cache-control"), SPAN("no-store"));
    finish_with_text(response, text);
}

void ui_page_respond(struct app_worker *worker, struct exchange *exchange,
                     struct response *response)
{
    struct ui_request wanted;
    ASSERT(exchange->kept.length == sizeof wanted);
    memcpy(&wanted, exchange->kept.data, sizeof wanted);
    if (wanted.asset == UI_SERVER) {
        respond_server(worker->app, exchange, response);
    } else if (wanted.asset == UI_REDIRECT) {
        response_start(response);
        /* Relative: right behind a proxy that serves it under a path of its own, too. */
        response_field(response, SPAN("location"), SPAN("ui/"));
        response_finish(response, SPAN(""));
    } else {
        respond_asset(&web_assets[wanted.asset], wanted.gzip, exchange, response);
    }
}

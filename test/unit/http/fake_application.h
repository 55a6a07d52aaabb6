/*
 * An application that does what a request's target asks for:
 *
 *   delay=NS      the answer is due so much later
 *   status=CODE   instead of 200
 *   content=N     N bytes of content, up to 1024; otherwise the target is the content
 *   empty         no content
 *   stream=N      N bytes from a content source; piece=N: at most so many at a time
 *   fail=N        a content source that fails after N bytes; reset=N: that resets there
 *   known         the source tells its length
 *   toil=N        the source works for N turns before each piece, which give nothing
 *   pause=NS      the source pauses so long before each piece but the first
 *   endless       the source ends when the server drains, not before; it pauses between pieces
 *   cut=WHERE     1 to 3 of enum response_cut
 *   kept=N        N bytes more are kept between begin and respond
 *   refused       as a route that there is not
 *
 * and that writes down what it is told. Answers have the target in
 * x-target and the method in x-method.
 */
#pragma once

#include "base/assert.h"
#include "http/exchange.h"
#include "http/response.h"

#include <errno.h>
#include <stdlib.h>

#define FAKE_MAX_COMPLETED 512
#define FAKE_MAX_SOURCES 64
#define FAKE_TARGET_BYTES 48
#define FAKE_MAX_CONTENT 1024

struct fake_application;

struct fake_source {
    struct fake_application *application;
    size_t at;
    size_t length;
    size_t fail_at; /* SIZE_MAX: never */
    size_t reset_at;
    size_t piece;
    uint64_t toil;
    uint64_t toiled;
    int64_t pause_ns; /* 0: none */
    int64_t due_ns;
    bool endless;
    bool open;
    bool over; /* it said that it is at the end, or failed: must not be asked again */
};

struct fake_completion {
    char target[FAKE_TARGET_BYTES];
    uint16_t status;
    uint64_t content_bytes;
    int64_t delay_ns;
    int64_t waited_ns;
    int64_t total_ns;
    bool refused;
};

struct fake_application {
    unsigned begun;
    unsigned responded;
    unsigned completed_count; /* more than are kept, maybe */
    struct fake_completion completed[FAKE_MAX_COMPLETED];
    struct fake_source sources[FAKE_MAX_SOURCES];
    unsigned sources_opened;
    unsigned sources_toiled; /* pulls that were enough for their turn */
    unsigned sources_closed_whole;
    unsigned sources_closed_cut;
};

/* The byte at a place of any content. */
static inline char fake_content_byte(size_t at)
{
    return (char)('a' + at % 26);
}

/* The number behind "name=" in the target, up to `maximum`; `otherwise` without it. */
static inline uint64_t fake_number(struct span target, const char *name, uint64_t maximum,
                                   uint64_t otherwise)
{
    size_t length = strlen(name);
    const char *found =
        target.length == 0 ? NULL : memmem(target.data, target.length, name, length);
    if (found == NULL) {
        return otherwise;
    }
    uint64_t number = 0;
    const char *end = target.data + target.length;
    for (const char *at = found + length; at < end && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
        number = number > maximum ? maximum : number;
    }
    return number;
}

static inline bool fake_has(struct span target, const char *word)
{
    return target.length > 0 && memmem(target.data, target.length, word, strlen(word)) != NULL;
}

static inline void fake_begin(void *context, struct exchange *exchange,
                              const struct request *request, struct buffer *keep)
{
    struct fake_application *fake = context;
    fake->begun++;
    struct span target = request->target;
    exchange->status = (uint16_t)fake_number(target, "status=", 599, 200);
    exchange->status = exchange->status < 200 ? 200 : exchange->status;
    exchange->refused = fake_has(target, "refused");
    exchange->delay_ns = (int64_t)fake_number(target, "delay=", UINT64_C(60000000000), UINT64_MAX);
    if (!fake_has(target, "delay=") || exchange->refused) {
        exchange->delay_ns = ACCESS_DELAY_NONE;
    }
    buffer_append(keep, target.data,
                  target.length < FAKE_TARGET_BYTES ? target.length : FAKE_TARGET_BYTES - 1);
    for (uint64_t more = fake_number(target, "kept=", 60000, 0); more > 0; more--) {
        buffer_append_byte(keep, 'k');
    }
}

static inline ssize_t fake_pull(void *context, char *memory, size_t capacity,
                                struct content_pace *pace)
{
    struct fake_source *source = context;
    ASSERT(source->open && !source->over && capacity > 0);
    size_t end = source->length < source->fail_at ? source->length : source->fail_at;
    end = end < source->reset_at ? end : source->reset_at;
    end = source->endless && pace->draining ? source->at : end;
    size_t count = end - source->at;
    count = count < source->piece ? count : source->piece;
    count = count < capacity ? count : capacity;
    if (count > 0 && pace->now_ns < source->due_ns) {
        pace->resume_ns = source->due_ns;
        return -EAGAIN;
    }
    if (count > 0 && source->toil > 0) {
        pace->enough = true;
        source->application->sources_toiled++;
        if (source->toiled++ < source->toil) {
            return 0;
        }
        source->toiled = 0;
    }
    for (size_t i = 0; i < count; i++) {
        memory[i] = fake_content_byte(source->at + i);
    }
    source->at += count;
    if (count > 0) {
        source->due_ns = source->pause_ns > 0 ? pace->now_ns + source->pause_ns : 0;
        return (ssize_t)count;
    }
    source->over = true;
    return source->at == source->reset_at ? -ECONNRESET : source->at == source->fail_at ? -EIO : 0;
}

static inline void fake_close(void *context, bool whole)
{
    struct fake_source *source = context;
    ASSERT(source->open);
    ASSERT(!whole || source->over || source->at == 0);
    source->open = false;
    *(whole ? &source->application->sources_closed_whole
            : &source->application->sources_closed_cut) += 1;
}

static inline void fake_respond_with_source(struct fake_application *fake, struct span target,
                                            struct response *response)
{
    struct fake_source *source = NULL;
    for (size_t i = 0; i < FAKE_MAX_SOURCES && source == NULL; i++) {
        source = fake->sources[i].open ? NULL : &fake->sources[i];
    }
    ASSERT(source != NULL);
    *source = (struct fake_source){
        .application = fake,
        .length = fake_number(target, "stream=", 10000000, 10000000),
        .fail_at = fake_number(target, "fail=", 10000000, SIZE_MAX),
        .reset_at = fake_number(target, "reset=", 10000000, SIZE_MAX),
        .piece = fake_number(target, "piece=", 10000000, 10000000),
        .toil = fake_number(target, "toil=", 1000, 0),
        .pause_ns = (int64_t)fake_number(target, "pause=", UINT64_C(60000000000), 0),
        .endless = fake_has(target, "endless"),
        .open = true,
    };
    source->piece = source->piece == 0 ? 1 : source->piece;
    source->pause_ns = source->endless && source->pause_ns == 0 ? 60000000000 : source->pause_ns;
    fake->sources_opened++;
    bool known = fake_has(target, "known") && !source->endless;
    response_finish_with_source(response, (struct content_source){
                                              .pull = fake_pull,
                                              .close = fake_close,
                                              .context = source,
                                              .length = known ? source->length : 0,
                                          });
}

static inline void fake_respond(void *context, struct exchange *exchange, struct response *response)
{
    struct fake_application *fake = context;
    fake->responded++;
    size_t length = exchange->kept.length;
    struct span target =
        span_of(exchange->kept.data, length < FAKE_TARGET_BYTES ? length : FAKE_TARGET_BYTES - 1);
    response_start(response);
    response_field(response, SPAN("x-target"), target);
    response_field(response, SPAN("x-method"), method_name((enum method)exchange->method));
    bool has_content = exchange->status != 204 && exchange->status != 304;
    if (has_content &&
        (fake_has(target, "stream=") || fake_has(target, "fail=") || fake_has(target, "reset="))) {
        fake_respond_with_source(fake, target, response);
    } else if (!has_content) {
        response_finish_without_content(response);
    } else if (fake_has(target, "empty")) {
        response_finish(response, SPAN(""));
    } else if (fake_has(target, "content=")) {
        char content[FAKE_MAX_CONTENT];
        size_t bytes = fake_number(target, "content=", FAKE_MAX_CONTENT, 0);
        for (size_t i = 0; i < bytes; i++) {
            content[i] = fake_content_byte(i);
        }
        response_finish(response, span_of(content, bytes));
    } else {
        response_finish(response, target);
    }
    if (fake_has(target, "cut=")) {
        response_reset(response, (enum response_cut)fake_number(target, "cut=", 3, 0));
    }
}

static inline void fake_complete(void *context, const struct completion *completion)
{
    struct fake_application *fake = context;
    const struct exchange *exchange = completion->exchange;
    ASSERT(completion->completed_ns >= exchange->started_ns);
    ASSERT(exchange->status >= 200 && exchange->status <= 599);
    struct fake_completion *seen = &fake->completed[fake->completed_count++ % FAKE_MAX_COMPLETED];
    *seen = (struct fake_completion){
        .status = exchange->status,
        .content_bytes = exchange->content_bytes,
        .delay_ns = exchange->delay_ns,
        .waited_ns = exchange->waited_ns,
        .total_ns = completion->completed_ns - exchange->started_ns,
        .refused = exchange->refused,
    };
    size_t length = exchange->target.length;
    length = length < FAKE_TARGET_BYTES ? length : FAKE_TARGET_BYTES - 1;
    if (length > 0) {
        memcpy(seen->target, exchange->target.data, length);
    }
    /* Every byte of the texts must be there to be read. */
    unsigned sum = 0;
    for (size_t i = 0; i < exchange->target.length; i++) {
        sum += (unsigned char)exchange->target.data[i];
    }
    for (size_t i = 0; i < exchange->method_name.length; i++) {
        sum += (unsigned char)exchange->method_name.data[i];
    }
    ASSERT(sum == 0 || exchange->target.length + exchange->method_name.length > 0);
}

static inline struct application fake_application_of(struct fake_application *fake)
{
    return (struct application){fake, fake_begin, fake_respond, fake_complete};
}

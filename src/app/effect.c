#include "app/effect.h"

#include "app/content.h"
#include "base/assert.h"
#include "base/clock.h"
#include "http/status.h"

#include <time.h>

#define OWN_MAX_BYTES 1024 /* of content that fits next to its head */
#define BURN_STEPS 2000    /* between two looks at the clock: some microseconds */

void effect_begin(struct exchange *exchange, const struct effect *effect, struct buffer *keep)
{
    exchange->shaped = true;
    if (effect->outcome.status != 0) {
        exchange->status = effect->outcome.status;
    }
    buffer_append(keep, effect, sizeof *effect);
}

static int64_t thread_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * NS_PER_S + used.tv_nsec;
}

/* Uses processor time up, as a request that computes does: others of the worker wait meanwhile. */
static void burn(int64_t ns)
{
    int64_t end_ns = thread_cpu_ns() + ns;
    volatile uint32_t work = 1;
    while (thread_cpu_ns() < end_ns) {
        for (unsigned i = 0; i < BURN_STEPS; i++) {
            work = work * 1664525 + 1013904223;
        }
    }
}

void effect_append_reason(struct buffer *buffer, unsigned status, bool asked)
{
    buffer_append_u64(buffer, status);
    buffer_append_byte(buffer, ' ');
    buffer_append_span(buffer, status_reason(status));
    buffer_append_span(buffer, asked ? SPAN(": injected, as the request asked\n")
                                     : SPAN(": injected by a rule\n"));
}

/* `request; status, drip`: who wanted it, and what. */
static void put_marker(struct response *response, const struct effect *effect)
{
    const struct outcome *outcome = &effect->outcome;
    const struct {
        bool is;
        struct span name;
    } parts[] = {
        {outcome->status != 0, SPAN("status")},
        {outcome->size != OUTCOME_OWN_SIZE, SPAN("size")},
        {outcome->drip_ns > 0, SPAN("drip")},
        {outcome->bytes_per_second > 0, SPAN("bandwidth")},
        {outcome->abort != OUTCOME_ABORT_NONE, SPAN("abort")},
        {outcome->burn_ns > 0, SPAN("burn")},
    };
    char memory[128];
    struct buffer text = buffer_over(memory, sizeof memory);
    buffer_append_span(&text, effect->asked ? SPAN("request") : SPAN("rule"));
    bool first = true;
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (parts[i].is) {
            buffer_append_span(&text, first ? SPAN("; ") : SPAN(", "));
            buffer_append_span(&text, parts[i].name);
            first = false;
        }
    }
    response_field(response, SPAN("x-injected"), buffer_span(&text));
}

/* What RFC 9110 wants beside some statuses (sections 15.5.2, 15.5.6, 15.5.8, 15.5.22). */
static void put_fields_of_status(struct response *response, enum route route, unsigned status)
{
    char memory[128];
    struct buffer methods = buffer_over(memory, sizeof memory);
    switch (status) {
    case 401:
        response_field(response, SPAN("www-authenticate"), SPAN("Basic realm=\"injected\""));
        break;
    case 405:
        route_append_methods(route, &methods);
        response_field(response, SPAN("allow"), buffer_span(&methods));
        break;
    case 407:
        response_field(response, SPAN("proxy-authenticate"), SPAN("Basic realm=\"injected\""));
        break;
    case 426:
        response_field(response, SPAN("upgrade"), SPAN("h2c"));
        break;
    default:
        break;
    }
}

/* An answer in the place of the route's. */
static void respond_status(struct app_worker *worker, struct exchange *exchange,
                           struct response *response)
{
    unsigned status = exchange->status;
    response_start(response);
    put_fields_of_status(response, exchange->route, status);
    if (status == 204 || status == 205 || status == 304) {
        put_marker(response, worker->effect);
        if (status == 205) {
            buffer_append_span(response->output, SPAN("content-length: 0\r\n"));
        }
        response_finish_without_content(response);
        return;
    }
    char memory[128];
    struct buffer reason = buffer_over(memory, sizeof memory);
    effect_append_reason(&reason, status, worker->effect->asked);
    response_field(response, SPAN("content-type"), SPAN("text/plain; charset=utf-8"));
    response_finish(response, buffer_span(&reason));
}

/* A status that says that all went well has the route's own content. */
static bool has_own_content(unsigned status)
{
    return status < 300 && status != 204 && status != 205;
}

/*
 * Takes the end of a response back, from Content-Length on, and returns its content: the head can
 * be gone on with. An empty span with NULL data where there is no content to be had.
 */
static struct span take_back_content(struct response *response, size_t start,
                                     char memory[RESPONSE_MAX_BYTES])
{
    struct buffer *output = response->output;
    struct span answer = span_of(output->data + start, output->length - start);
    const char *head_end = memmem(answer.data, answer.length, "\r\n\r\n", 4);
    const char *length = memmem(answer.data, answer.length, "\r\ncontent-length: ", 18);
    if (response->exchange->source.pull != NULL || head_end == NULL || length == NULL ||
        length > head_end) {
        return span_of(NULL, 0);
    }
    const char *content = head_end + 4;
    size_t bytes = (size_t)(output->data + output->length - content);
    ASSERT(bytes <= RESPONSE_MAX_BYTES);
    memcpy(memory, content, bytes);
    output->length = (size_t)(length + 2 - output->data);
    response->exchange->content_bytes = 0;
    return span_of(memory, bytes);
}

static bool changes_content(const struct outcome *outcome)
{
    return outcome->size != OUTCOME_OWN_SIZE ||
           (outcome->bytes_per_second | (uint64_t)outcome->drip_ns) != 0;
}

void effect_finish(struct app_worker *worker, struct response *response,
                   const struct content_plan *plan)
{
    struct content_plan changed = *plan;
    const struct effect *effect = worker->effect;
    if (effect != NULL) {
        const struct outcome *outcome = &effect->outcome;
        put_marker(response, effect);
        if (outcome->size != OUTCOME_OWN_SIZE) {
            changed.length = outcome->size;
            changed.kind = plan->kind == CONTENT_KEPT ? CONTENT_LETTERS : plan->kind;
        }
        changed.drip_ns = outcome->drip_ns;
        changed.bytes_per_second = outcome->bytes_per_second;
    } else if (plan->kind == CONTENT_KEPT && plan->length <= OWN_MAX_BYTES) {
        response_finish(response, response->exchange->kept);
        return;
    }
    content_finish(&worker->contents, response, &changed);
}

/* The marker for a head that is in the output from `start` on and has nothing behind it. */
static void mark_head(struct response *response, size_t start, const struct effect *effect)
{
    struct buffer *output = response->output;
    struct span head = span_of(output->data + start, output->length - start);
    static const char marker[] = "\r\nx-injected: ";
    if (head.length < 4 || memcmp(head.data + head.length - 4, "\r\n\r\n", 4) != 0 ||
        memmem(head.data, head.length, marker, sizeof marker - 1) != NULL) {
        return; /* it is not at its end, or has it */
    }
    output->length -= 2;
    put_marker(response, effect);
    buffer_append_span(output, SPAN("\r\n"));
}

/* The marker, and another size or pace, for an answer that is in the output from `start` on. */
static void change_content(struct app_worker *worker, struct response *response, size_t start,
                           const struct effect *effect)
{
    struct exchange *exchange = response->exchange;
    const struct outcome *outcome = &effect->outcome;
    if (exchange->status == 205 ||
        (exchange->method == METHOD_HEAD && outcome->size == OUTCOME_OWN_SIZE)) {
        /* There must be no content; how long it would be is known only to the head. */
        mark_head(response, start, effect);
        return;
    }
    char memory[RESPONSE_MAX_BYTES];
    struct span own = take_back_content(response, start, memory);
    if (own.data == NULL) {
        return; /* no content, or content that the effect has been told of */
    }
    if (!changes_content(outcome)) {
        put_marker(response, effect);
        response_finish(response, own);
        return;
    }
    memcpy(worker->scratch, own.data, own.length);
    exchange->kept = span_of(worker->scratch, own.length);
    effect_finish(worker, response,
                  &(struct content_plan){.kind = CONTENT_KEPT, .length = own.length});
}

void effect_respond(struct app_worker *worker, struct exchange *exchange, struct response *response)
{
    struct effect effect;
    ASSERT(exchange->kept.length >= sizeof effect);
    memcpy(&effect, exchange->kept.data, sizeof effect);
    exchange->kept = span_after(exchange->kept, sizeof effect);
    const struct outcome *outcome = &effect.outcome;
    if (outcome->burn_ns > 0) {
        burn(outcome->burn_ns);
    }
    size_t start = response->output->length;
    worker->effect = &effect;
    if (outcome->status != 0 && !has_own_content(outcome->status)) {
        respond_status(worker, exchange, response);
    } else {
        route_at(exchange->route)->respond(worker, exchange, response);
    }
    change_content(worker, response, start, &effect);
    worker->effect = NULL;
    response_reset(response, (enum response_cut)outcome->abort);
}

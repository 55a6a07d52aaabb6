/*
 * Any bytes as the query of a request that asks for something itself, and as an `x-` field: what is
 * accepted is within its limits whatever is drawn, what is refused has one printable line.
 */
#include "app/query.h"
#include "app/wish.h"
#include "base/assert.h"

#include <stddef.h>
#include <stdint.h>

#define MAX_DELAY_NS INT64_C(60000000000)
#define MAX_SIZE 100000u
#define MAX_BURN_NS 100000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has been split is all of the query but the separators and what is empty. */
static void check_split(struct span query)
{
    size_t split = 0, count = 0;
    struct span rest = query;
    struct query_parameter parameter;
    while (query_next(&rest, &parameter)) {
        split += parameter.name.length + parameter.value.length + parameter.has_value;
        count++;
        ASSERT(parameter.name.length == 0 ||
               memchr(parameter.name.data, '=', parameter.name.length) == NULL);
        char memory[64];
        struct buffer decoded = buffer_over(memory, sizeof memory);
        if (query_decode(parameter.value, &decoded, NULL) == 0 && !decoded.overflowed) {
            ASSERT(decoded.length <= parameter.value.length);
        }
    }
    ASSERT(rest.length == 0 && split <= query.length && count <= query.length);
}

static void check_outcome(const struct wish *wish, uint64_t ordinal)
{
    struct outcome outcome = OUTCOME_PLAIN;
    wish_apply(wish, 7, ordinal, &outcome);
    ASSERT(outcome.delay_ns >= OUTCOME_NO_DELAY && outcome.delay_ns <= MAX_DELAY_NS);
    ASSERT(outcome.size == OUTCOME_OWN_SIZE || outcome.size <= MAX_SIZE);
    ASSERT(outcome.drip_ns >= 0 && outcome.drip_ns <= MAX_DELAY_NS);
    ASSERT(outcome.burn_ns >= 0 && outcome.burn_ns <= MAX_BURN_NS);
    ASSERT(outcome.status == 0 || (outcome.status >= 200 && outcome.status <= 599 &&
                                   outcome.status != 444 && outcome.status != 499));
    ASSERT(outcome.abort <= OUTCOME_ABORT_BODY);
    ASSERT(outcome.bytes_per_second == 0 || outcome.bytes_per_second >= WISH_MIN_BYTES_PER_SECOND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wish_laws laws;
    const struct wish_limits limits = {MAX_DELAY_NS, MAX_SIZE, MAX_BURN_NS};
    struct span text = span_of((const char *)data, size);
    check_split(text);
    /* Up to the first line feed it is the query, behind that a field's value. */
    const char *line = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = line == NULL ? size : (size_t)(line - text.data);
    struct request request = {.query = span_of(text.data, length), .has_x_field = line != NULL};
    if (line != NULL) {
        request.fields[request.field_count++] =
            (struct request_field){SPAN("X-Delay"), span_after(text, length + 1)};
    }
    struct wish wish = {0};
    struct parse_error error = {0};
    if (wish_add_request(&wish, &request, &limits, &laws, &error) != 0) {
        ASSERT(error.message[0] != '\0');
        for (const char *c = error.message; *c != '\0'; c++) {
            ASSERT(*c >= ' ' && *c <= '~');
        }
        return 0;
    }
    for (uint64_t ordinal = 0; wish.asked != 0 && ordinal < 4; ordinal++) {
        check_outcome(&wish, ordinal);
    }
    return 0;
}

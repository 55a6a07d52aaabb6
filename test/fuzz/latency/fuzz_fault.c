/*
 * Any bytes as errors and as aborts: reading must be safe, and what is accepted must print back to
 * what prints the same.
 */
#include "base/assert.h"
#include "latency/fault.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_errors(struct span text)
{
    struct fault_errors errors, again;
    struct parse_error error = {0};
    if (fault_errors_parse(text, &errors, &error) < 0) {
        ASSERT(error.message[0] != '\0');
        return;
    }
    ASSERT(errors.code_count > 0 && errors.codes[errors.code_count - 1].up_to > 0.999);
    uint16_t status = fault_errors_status(&errors, 0.5);
    ASSERT(status >= 400 && status <= 599);
    char first[1024], second[1024];
    struct buffer printed = buffer_over(first, sizeof first);
    struct buffer reprinted = buffer_over(second, sizeof second);
    buffer_append_errors(&printed, &errors);
    ASSERT(fault_errors_parse(buffer_span(&printed), &again, NULL) == 0);
    buffer_append_errors(&reprinted, &again);
    ASSERT(!printed.overflowed && span_equals(buffer_span(&printed), buffer_span(&reprinted)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);
    struct fault_abort abort;
    try_errors(text);
    if (fault_abort_parse(text, &abort, NULL) == 0) {
        ASSERT(abort.place >= OUTCOME_ABORT_BEFORE && abort.place <= OUTCOME_ABORT_BODY);
    }
    return 0;
}

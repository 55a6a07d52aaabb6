/*
 * Any bytes as the query of /truth: what is accepted is within its limits, what is refused has one
 * printable line that says why.
 */
#include "app/truth_query.h"
#include "base/assert.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct truth_query query;
    struct parse_error error = {0};
    if (truth_query_parse(span_of((const char *)data, size), &query, &error) != 0) {
        ASSERT(error.message[0] != '\0');
        for (const char *c = error.message; *c != '\0'; c++) {
            ASSERT(*c >= ' ' && *c <= '~');
        }
        return 0;
    }
    const struct truth_question *question = &query.question;
    ASSERT(question->slices <= TRUTH_SLICES);
    ASSERT(query.scrapes <= TRUTH_QUERY_MAX_SCRAPES);
    ASSERT(question->quantile_count >= 1 && question->quantile_count <= TRUTH_MAX_QUANTILES);
    for (unsigned i = 0; i < question->quantile_count; i++) {
        double quantile = decimal_value(question->quantiles[i]);
        ASSERT(quantile >= 0 && quantile <= 1);
        uint64_t rank = sketch_rank(question->quantiles[i], UINT64_MAX);
        ASSERT(rank >= 1);
    }
    return 0;
}

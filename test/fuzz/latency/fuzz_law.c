/*
 * Any bytes as a law: parsing must be safe, and what it accepts must print back to a law that
 * prints the same and stays within its bounds.
 */
#include "base/assert.h"
#include "latency/law.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_law(const uint8_t *data, size_t size, const struct law_limits *limits)
{
    struct law *law = NULL;
    struct parse_error error = {.offset = SIZE_MAX};
    if (law_parse(span_of((const char *)data, size), limits, &law, &error) != 0) {
        ASSERT(error.offset <= size && error.message[0] != '\0');
        return;
    }
    static const double units[] = {0x1p-53, 0.25, 0.5, 0.99, 1 - 0x1p-53};
    double previous = law_quantile_ns(law, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        int64_t delay_ns = law_sample_ns(law, units[i]);
        ASSERT(delay_ns >= 0 && delay_ns <= limits->max_delay_ns);
        double quantile = law_quantile_ns(law, units[i]);
        ASSERT(quantile >= previous && law_cdf(law, quantile) >= units[i] - 1e-3);
        previous = quantile;
    }
    ASSERT(law_mean_ns(law) >= 0 && law_mean_ns(law) <= (double)limits->max_delay_ns);
    char first[4 * LAW_TEXT_MAX_BYTES], second[4 * LAW_TEXT_MAX_BYTES];
    struct buffer printed = buffer_over(first, sizeof first);
    buffer_append_law(&printed, law);
    law_free(law);
    ASSERT(!printed.overflowed);
    if (printed.length <= LAW_TEXT_MAX_BYTES) {
        ASSERT(law_parse(buffer_span(&printed), limits, &law, NULL) == 0);
        struct buffer again = buffer_over(second, sizeof second);
        buffer_append_law(&again, law);
        law_free(law);
        ASSERT(span_equals(buffer_span(&printed), buffer_span(&again)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_law(data, size, &(struct law_limits){.max_delay_ns = INT64_C(60000000000)});
    try_law(data, size, &(struct law_limits){.max_delay_ns = INT64_C(1) << 30, .sizes = true});
    return 0;
}

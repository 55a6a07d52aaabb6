/*
 * Any JSON as an answer of /truth, and as the series of a range query that are compared with it:
 * what is not as it should be is refused with a reason or reads as nothing.
 */
#include "base/assert.h"
#include "verify/samples.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_error_t why;
    json_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &why);
    if (document == NULL) {
        return 0;
    }
    struct samples samples;
    struct samples_difference difference;
    struct testimony truth;
    char error[HTTP_CLIENT_ERROR_BYTES] = "";
    json_t *series = json_incref(answer_member(document, "series"));
    int result = testimony_read(document, &truth, error);
    ASSERT((result < 0) == (error[0] != '\0'));
    if (series != NULL && samples_layout(series, &samples) == 0) {
        if (result == 0) {
            samples_compare(&samples, &truth, 0.02, 1, &difference);
            ASSERT(difference.equal <= difference.rows);
            ASSERT(difference.rows + difference.unknown == samples.row_count);
        }
        samples_free(&samples);
    }
    testimony_free(&truth);
    return 0;
}

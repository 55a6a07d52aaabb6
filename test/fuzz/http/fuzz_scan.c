/*
 * Any bytes: the vector scanners stop where their scalar twins stop, wherever the bytes begin. The
 * first input byte chooses how far the copy is from an aligned address.
 */
#include "base/assert.h"
#include "http/scan.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t offset = data[0] % 64, length = size - 1;
    char *memory = malloc(offset + length + 1);
    ASSERT(memory != NULL);
    char *from = memory + 1 + offset; /* nothing is behind: a sanitizer sees a read too far */
    memcpy(from, data + 1, length);
    const char *end = from + length;
    for (const char *at = from; at <= end; at += length / 40 + 1) {
        const char *value = scan_field_value(at, end);
        ASSERT(value >= at && value <= end && value == scan_field_value_scalar(at, end));
        const char *target = scan_target(at, end);
        ASSERT(target >= at && target <= end && target == scan_target_scalar(at, end));
        const char *token = scan_token(at, end);
        ASSERT(token >= at && token <= end && token == scan_token_scalar(at, end));
        const char *host = scan_host(at, end);
        ASSERT(host >= at && host <= end && host == scan_host_scalar(at, end));
        /* Every tchar may be in a target, every byte of a target in a value. */
        ASSERT(token <= target && target <= value);
    }
    free(memory);
    return 0;
}

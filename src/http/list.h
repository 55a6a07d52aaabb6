/*
 * Comma-separated lists in field values (RFC 9110, section 5.6.1). Pure functions, any thread.
 */
#pragma once

#include "base/span.h"

/* Takes the next element that is not empty off the list, trimmed. False at the end. */
static inline bool list_next(struct span *list, struct span *ret_element)
{
    while (list->length > 0) {
        const char *comma = memchr(list->data, ',', list->length);
        size_t length = comma == NULL ? list->length : (size_t)(comma - list->data);
        *ret_element = span_trim(span_of(list->data, length));
        *list = span_after(*list, comma == NULL ? length : length + 1);
        if (ret_element->length > 0) {
            return true;
        }
    }
    return false;
}

/* Takes the last element that is not empty off the list, trimmed. False when there is none left. */
static inline bool list_take_last(struct span *list, struct span *ret_element)
{
    while (list->length > 0) {
        const char *comma = memrchr(list->data, ',', list->length);
        size_t start = comma == NULL ? 0 : (size_t)(comma - list->data) + 1;
        *ret_element = span_trim(span_after(*list, start));
        list->length = comma == NULL ? 0 : start - 1;
        if (ret_element->length > 0) {
            return true;
        }
    }
    return false;
}

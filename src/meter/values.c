#include "meter/name.h"
#include "meter/series.h"
#include "meter/short_text.h"

#include <errno.h>
#include <stdlib.h>

/* Values that are not clean UTF-8 are replaced by cleaned copies, all in one piece of memory. */
static int clean_values(struct value_list *list)
{
    size_t bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!text_is_clean(list->items[i])) {
            bytes += text_clean_bytes(list->items[i]);
        }
    }
    if (bytes == 0) {
        return 0;
    }
    list->cleaned = malloc(bytes);
    if (list->cleaned == NULL) {
        return -ENOMEM;
    }
    char *out = list->cleaned;
    for (size_t i = 0; i < list->count; i++) {
        if (!text_is_clean(list->items[i])) {
            size_t length = text_clean(list->items[i], out);
            list->items[i] = span_of(out, length);
            out += length;
        }
    }
    return 0;
}

int value_list_of_strings(struct value_list *list, const char *const *values)
{
    bool plain = true;
    list->count = 0;
    list->cleaned = NULL;
    for (; values != NULL && values[list->count] != NULL; list->count++) {
        if (list->count == METER_MAX_LABELS) {
            return -EINVAL;
        }
        size_t length = strlen(values[list->count]);
        if (length > UINT32_MAX) {
            return -EINVAL;
        }
        list->items[list->count] = span_of(values[list->count], length);
        plain = plain && is_plain_short(values[list->count], length);
    }
    return LIKELY(plain) ? 0 : clean_values(list);
}

int value_list_of_texts(struct value_list *list, const struct meter_text *values, size_t count)
{
    bool plain = true;
    list->count = 0;
    list->cleaned = NULL;
    if (count > METER_MAX_LABELS || (count > 0 && values == NULL)) {
        return -EINVAL;
    }
    for (; list->count < count; list->count++) {
        const struct meter_text *value = &values[list->count];
        if (value->length > UINT32_MAX || (value->data == NULL && value->length > 0)) {
            return -EINVAL;
        }
        list->items[list->count] =
            value->length > 0 ? span_of(value->data, value->length) : SPAN("");
        plain = plain && is_plain_short(value->data, value->length);
    }
    return LIKELY(plain) ? 0 : clean_values(list);
}

void value_list_free(struct value_list *list)
{
    if (UNLIKELY(list->cleaned != NULL)) {
        free(list->cleaned);
    }
}

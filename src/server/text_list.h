/*
 * A short list of texts, each in memory of its own: values of options, warnings. Not for the
 * request path. One thread at a time.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"

#include <stddef.h>

#define TEXT_LIST_MAX_ITEMS 64

struct text_list {
    char **items; /* owned, NUL-terminated */
    size_t count; /* at most TEXT_LIST_MAX_ITEMS */
};

/* Appends a copy. -ENOMEM, or -E2BIG when the list is full. */
int text_list_append(struct text_list *list, struct span text) WARN_UNUSED;

/* Frees the items and leaves the list empty. */
void text_list_clear(struct text_list *list);

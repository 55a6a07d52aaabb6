#include "server/text_list.h"

#include <errno.h>
#include <stdlib.h>

int text_list_append(struct text_list *list, struct span text)
{
    if (list->count >= TEXT_LIST_MAX_ITEMS) {
        return -E2BIG;
    }
    if (list->items == NULL) {
        list->items = calloc(TEXT_LIST_MAX_ITEMS, sizeof *list->items);
        if (list->items == NULL) {
            return -ENOMEM;
        }
    }
    char *copy = malloc(text.length + 1);
    if (copy == NULL) {
        return -ENOMEM;
    }
    if (text.length > 0) {
        memcpy(copy, text.data, text.length);
    }
    copy[text.length] = '\0';
    list->items[list->count++] = copy;
    return 0;
}

void text_list_clear(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct text_list){0};
}

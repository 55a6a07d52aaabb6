#include "app/wish_laws.h"

int wish_laws_find(struct wish_laws *laws, struct span text, const struct law_limits *limits,
                   struct law **ret_law, struct parse_error *error)
{
    for (size_t i = 0; i < WISH_LAWS; i++) {
        struct wish_law *known = &laws->list[i];
        if (known->length > 0 && known->sizes == limits->sizes &&
            span_equals(text, span_of(known->text, known->length))) {
            *ret_law = known->law;
            laws->last = (unsigned)i;
            return 0;
        }
    }
    struct law *law = NULL;
    int result = law_parse(text, limits, &law, error);
    if (result != 0) {
        return result;
    }
    laws->next += laws->next % WISH_LAWS == laws->last;
    laws->last = laws->next++ % WISH_LAWS;
    struct wish_law *place = &laws->list[laws->last];
    law_free(place->law);
    place->law = law;
    place->sizes = limits->sizes;
    place->length = text.length <= sizeof place->text ? (uint8_t)text.length : 0;
    memcpy(place->text, text.data, place->length);
    *ret_law = law;
    return 0;
}

void wish_laws_clear(struct wish_laws *laws)
{
    for (size_t i = 0; i < WISH_LAWS; i++) {
        law_free(laws->list[i].law);
    }
    *laws = (struct wish_laws){0};
}

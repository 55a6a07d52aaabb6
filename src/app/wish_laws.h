/*
 * The laws that requests asked for last, parsed: a client that asks for one asks for it again, and
 * then nothing is parsed or allocated. One worker's own; bounded.
 */
#pragma once

#include "base/compiler.h"
#include "base/parse_error.h"
#include "latency/law.h"

#define WISH_LAWS 16
#define WISH_LAW_TEXT_BYTES 120 /* longer ones are not remembered */

struct wish_law {
    struct law *law; /* owned; NULL: free */
    char text[WISH_LAW_TEXT_BYTES];
    uint8_t length; /* 0: parsed, not to be found again */
    bool sizes;
};

struct wish_laws {
    struct wish_law list[WISH_LAWS];
    unsigned next; /* to be replaced */
    unsigned last; /* given out by the last call */
};

/*
 * The law, which stays the list's and lasts until the call after the next one: a request asks for
 * two at most. As law_parse() otherwise.
 */
WARN_UNUSED int wish_laws_find(struct wish_laws *laws, struct span text,
                               const struct law_limits *limits, struct law **ret_law,
                               struct parse_error *error);

void wish_laws_clear(struct wish_laws *laws);

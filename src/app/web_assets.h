/*
 * The files of the live page, which are in the program: web/ as it was when it was built. Made by
 * web/embed.py.
 */
#pragma once

#include "base/span.h"

struct web_asset {
    struct span name;         /* of the file; "" is the page itself */
    struct span content_type; /* a field value */
    struct span tag;          /* strong, without its quotes; changes with the content */
    struct span plain;
    struct span gzip; /* the same, compressed */
};

extern const struct web_asset web_assets[];
extern const size_t web_asset_count;

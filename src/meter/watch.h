/*
 * Watchers of a scrape: who wants to know what a page says of a family's series.
 */
#pragma once

#include "meter/scrape.h"

struct scrape_watch {
    const struct meter_family *family;
    meter_watch_function *watch;
    void *context;
};

/* Tells the watchers of the family, if any, that the snapshot goes onto the page. */
void watch_tell_slowly(const struct meter_scrape *scrape);

static inline void watch_tell(const struct meter_scrape *scrape)
{
    if (scrape->watch_count > 0) {
        watch_tell_slowly(scrape);
    }
}

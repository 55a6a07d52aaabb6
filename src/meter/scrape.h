/*
 * One scrape in progress: where it stands, and what it could not yet hand over.
 */
#pragma once

#include "base/buffer.h"
#include "meter/snapshot.h"

struct meter_scrape {
    struct meter *meter;
    enum meter_format format;
    struct meter_family *family; /* NULL behind the last */
    struct series *standing;     /* the last series begun, held; NULL at a family's start */
    bool inside;                 /* standing has lines left, from the snapshot */
    unsigned line;
    bool header_done;
    bool ended;
    struct snapshot snapshot;
    struct buffer staged;         /* owned memory: what is waiting to be handed over */
    size_t staged_taken;          /* bytes of it that were */
    struct scrape_watch *watches; /* owned; NULL without */
    unsigned watch_count;
};

/* Makes the staged memory at least so large, keeping what is in it: 0 or -ENOMEM. */
WARN_UNUSED int scrape_stage_reserve(struct meter_scrape *scrape, size_t capacity);

/* The next piece of a family's own series, with its lock held. Stops when `out` is full
 * (out->overflowed, with whole lines only in it) or, with `one`, after one line. Returns false at
 * the end of the family. */
bool scrape_text_locked(struct meter_scrape *scrape, struct buffer *out, bool one);

/* Steps to the next series, or returns false at the end. Used by both encoders. */
bool scrape_next_series_locked(struct meter_scrape *scrape, size_t *index);

/* Stands at `series` from now on, which keeps it there while no lock is held. */
void scrape_stand_locked(struct meter_scrape *scrape, struct series *series);

/* Stages what the family's callback produces: 0 or -ENOMEM. */
WARN_UNUSED int scrape_collect(struct meter_scrape *scrape);

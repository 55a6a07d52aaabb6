/*
 * Protobuf, delimited: io.prometheus.client.MetricFamily messages, each with its length in front.
 */
#pragma once

#include "meter/scrape.h"

/* Stages a message with the next series of the family; false when the family is at its end. */
bool scrape_protobuf_locked(struct meter_scrape *scrape, int *ret_error);

/* Appends the snapshot's sample to the message being staged: 0, or -ENOBUFS if it does not fit. */
WARN_UNUSED int protobuf_stage_sample(struct meter_scrape *scrape);

/* Puts length and header in front of the samples staged. */
void protobuf_finish_samples(struct meter_scrape *scrape);

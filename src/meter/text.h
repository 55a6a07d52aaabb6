/*
 * Prometheus text 0.0.4 and OpenMetrics 1.0.0, line by line.
 */
#pragma once

#include "base/buffer.h"
#include "meter/snapshot.h"

/* HELP, TYPE and UNIT of a family. */
void text_header(struct buffer *out, const struct meter_family *family, bool openmetrics);

/* How many lines a series has. */
unsigned text_line_count(const struct snapshot *snapshot, bool openmetrics);

/* One of them; in order, though one may be written again. */
void text_line(struct buffer *out, struct snapshot *snapshot, unsigned line, bool openmetrics);

void text_end(struct buffer *out, bool openmetrics);

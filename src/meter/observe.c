/* Updates with an exemplar. */
#include "meter/exemplar.h"
#include "meter/handle.h"
#include "meter/histogram.h"

#define TRACE_ID_BYTES 32
#define SPAN_ID_BYTES 16

static struct exemplar_set *exemplars_of(const struct series *series)
{
    return series->extra == NULL ? NULL : series->extra->exemplars;
}

void meter_counter_add_exemplar(struct meter_counter *counter, uint64_t amount,
                                const struct meter_label *labels, size_t label_count)
{
    if (counter == NULL) {
        return;
    }
    meter_counter_add(counter, amount);
    exemplar_keep(exemplars_of(series_of_counter(counter)), 0, (double)amount, labels, label_count);
}

void meter_histogram_observe_exemplar(struct meter_histogram *histogram, double value,
                                      const struct meter_label *labels, size_t label_count)
{
    if (histogram == NULL) {
        return;
    }
    meter_histogram_observe(histogram, value);
    const struct series *series = series_of_histogram(histogram);
    uint32_t slot = bucket_of(&series->family->histogram->index, value);
    exemplar_keep(exemplars_of(series), slot, value, labels, label_count);
}

void meter_histogram_observe_trace(struct meter_histogram *histogram, double value,
                                   const char *trace_id, const char *span_id)
{
    struct meter_label labels[2];
    size_t count = 0;
    if (trace_id != NULL) {
        labels[count++] = (struct meter_label){{"trace_id", 8}, {trace_id, TRACE_ID_BYTES}};
    }
    if (span_id != NULL) {
        labels[count++] = (struct meter_label){{"span_id", 7}, {span_id, SPAN_ID_BYTES}};
    }
    if (count == 0) {
        meter_histogram_observe(histogram, value);
    } else {
        meter_histogram_observe_exemplar(histogram, value, labels, count);
    }
}

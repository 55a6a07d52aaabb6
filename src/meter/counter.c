/* Counters: an integer part beside a fractional part, because a double stops counting by one at
 * 2^53. Cells: [0] the integer, [1] the fraction. */
#include "meter/handle.h"
#include "meter/value.h"

#define INTEGER 0
#define FRACTION 1
#define MAX_WHOLE 9007199254740992.0 /* 2^53: larger ones could make the integer part wrap */

void meter_counter_add_slowly(struct meter_counter *counter, uint64_t amount)
{
    struct series *series = series_of_counter(counter);
    if (series == NULL) {
        return;
    }
    bool shared;
    uint64_t *cells = series_cells_slowly(series, &shared);
    if (shared) {
        cell_add_shared(&cells[INTEGER], amount);
    } else {
        cell_add(&cells[INTEGER], amount);
    }
}

void meter_counter_add_double(struct meter_counter *counter, double amount)
{
    if (counter == NULL || !(amount >= 0)) {
        return;
    }
    if (amount < MAX_WHOLE && (double)(uint64_t)amount == amount) {
        meter_counter_add(counter, (uint64_t)amount);
        return;
    }
    struct series *series = series_of_counter(counter);
    uint64_t *cells = series_own_cells(series);
    bool shared = false;
    if (UNLIKELY(cells == NULL)) {
        cells = series_cells_slowly(series, &shared);
    }
    if (UNLIKELY(shared)) {
        cell_add_double_shared(&cells[FRACTION], amount);
    } else {
        cell_add_double(&cells[FRACTION], amount);
    }
}

double value_of_counter(const struct series *series)
{
    uint64_t whole = 0;
    double fraction = 0;
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        whole += cell_load(&cells[INTEGER]);
        fraction += cell_load_double(&cells[FRACTION]);
    }
    return fraction + (double)whole;
}

double meter_counter_value(const struct meter_counter *counter)
{
    return counter == NULL ? 0 : value_of_counter((const struct series *)(const void *)counter);
}

uint64_t value_fingerprint(const struct series *series)
{
    uint64_t fingerprint = 0;
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        for (uint32_t i = 0; i < series->family->cell_words; i++) {
            fingerprint = (fingerprint ^ cell_load(&cells[i])) * UINT64_C(0x9e3779b97f4a7c15);
            fingerprint ^= fingerprint >> 32;
        }
    }
    return fingerprint;
}

#include "meter/native.h"

#include "meter/histogram.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define DEFAULT_ZERO_THRESHOLD 0x1p-128
#define DEFAULT_MAX_BUCKETS 160
#define MAX_BUCKETS 10000
/* At the coarsest schema all doubles together have 266 buckets, both signs counted: a table takes
 * them even where the limit cannot be kept. */
#define MIN_SLOTS 512

static int check(const struct meter_description *description, struct meter_error *error)
{
    const char *name = description->name;
    if (!(description->native_growth > 1)) {
        return meter_fail(error, -EINVAL, "%s: native_growth must be above 1, or 0", name);
    }
    if (description->native_max_buckets > MAX_BUCKETS) {
        return meter_fail(error, -EINVAL, "%s: at most %d native buckets", name, MAX_BUCKETS);
    }
    if (!isfinite(description->native_zero_threshold) ||
        !isfinite(description->native_max_zero_threshold) || description->native_min_reset_ns < 0) {
        return meter_fail(error, -EINVAL, "%s: a native threshold or time that cannot be", name);
    }
    return 0;
}

int native_describe(struct meter_family *family, const struct meter_description *description,
                    struct meter_error *error)
{
    int result = check(description, error);
    if (result != 0) {
        return result;
    }
    struct native_shape *shape = calloc(1, sizeof *shape);
    if (shape == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    family->native = shape;
    shape->schema = native_schema_of_growth(description->native_growth);
    uint32_t key_schema = shape->schema > 0 ? (uint32_t)shape->schema : 0;
    native_keys_init(&shape->keys, key_schema);
    shape->base_steps = (int)key_schema - shape->schema;
    double threshold = description->native_zero_threshold;
    shape->zero_threshold = threshold > 0 ? threshold : threshold < 0 ? 0 : DEFAULT_ZERO_THRESHOLD;
    shape->max_zero_threshold = description->native_max_zero_threshold;
    shape->min_reset_ns = description->native_min_reset_ns;
    shape->max_buckets =
        description->native_max_buckets > 0 ? description->native_max_buckets : DEFAULT_MAX_BUCKETS;
    shape->slots = MIN_SLOTS;
    while (shape->slots / 2 < shape->max_buckets) {
        shape->slots *= 2;
    }
    shape->offset = family->cell_words;
    uint32_t words = native_table_words(shape->slots);
    shape->merged = calloc(words, sizeof(uint64_t));
    shape->spare = calloc(words, sizeof(uint64_t));
    if (shape->merged == NULL || shape->spare == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    family->cell_words += NATIVE_HEADER_WORDS + words;
    family->series_bytes = sizeof(struct native_series);
    return 0;
}

void native_shape_free(struct native_shape *shape)
{
    if (shape != NULL) {
        free(shape->merged);
        free(shape->spare);
        free(shape);
    }
}

/* Adds to native cells that agree with the series; false when a bucket is missing. `usual` says
 * that the value is neither zero, subnormal, infinite nor NaN. */
static ALWAYS_INLINE bool add_to_native(const struct native_shape *shape, uint64_t *native,
                                        double value, bool usual)
{
    if (!usual && value != value) {
        cell_add(&native[NATIVE_NAN_COUNT], 1);
        return true;
    }
    if (fabs(value) <= cell_load_double(&native[NATIVE_ZERO_THRESHOLD])) {
        cell_add(&native[NATIVE_ZERO_COUNT], 1);
        return true;
    }
    uint64_t bits = bits_of_double(value), magnitude = bits & (UINT64_MAX >> 1);
    int32_t key =
        usual ? native_key_usual(&shape->keys, magnitude) : native_key(&shape->keys, magnitude);
    int steps = shape->base_steps + (int)cell_load(&native[NATIVE_STEPS]);
    uint32_t code = native_code(native_coarsen(key, steps), bits >> 63);
    uint64_t *table = native + NATIVE_HEADER_WORDS;
    bool found;
    uint32_t slot = native_table_slot(table, shape->slots, code, &found);
    if (LIKELY(found)) {
        cell_add(native_table_count(table, shape->slots, slot), 1);
    }
    return found;
}

/* The owner's cells, when their buckets are those that hold now; else NULL. */
static inline uint64_t *cells_that_agree(const struct series *series)
{
    const struct native_series *native = (const struct native_series *)(const void *)series;
    uint64_t *cells = series_own_cells(series);
    if (UNLIKELY(cells == NULL)) {
        return NULL;
    }
    uint64_t generation = __atomic_load_n(&native->generation, __ATOMIC_ACQUIRE) + 1;
    const uint64_t *words = cells + series->family->native->offset;
    return LIKELY(cell_load(&words[NATIVE_GENERATION]) == generation) ? cells : NULL;
}

static NO_INLINE void observe_unusual(struct series *series, double value)
{
    const struct meter_family *family = series->family;
    uint64_t *cells = cells_that_agree(series);
    if (cells != NULL &&
        add_to_native(family->native, cells + family->native->offset, value, false)) {
        histogram_add_last(family->histogram, cells, value);
    } else {
        native_observe_slowly(series, value);
    }
}

static NO_INLINE void add_last_by_search(const struct histogram_shape *shape, uint64_t *cells,
                                         double value)
{
    histogram_add_last(shape, cells, value);
}

/* Calls are in tail position only, so that the fast way needs no stack. */
void native_observe(struct series *series, double value)
{
    const struct meter_family *family = series->family;
    const struct native_shape *shape = family->native;
    const struct histogram_shape *classic = family->histogram;
    if (UNLIKELY(native_is_rare(bits_of_double(fabs(value))))) {
        observe_unusual(series, value);
        return;
    }
    uint64_t *cells = cells_that_agree(series);
    if (UNLIKELY(cells == NULL) ||
        UNLIKELY(!add_to_native(shape, cells + shape->offset, value, true))) {
        native_observe_slowly(series, value);
    } else if (UNLIKELY(classic->index.count > 0 && classic->index.entries == NULL)) {
        add_last_by_search(classic, cells, value);
    } else {
        histogram_add_last(classic, cells, value);
    }
}

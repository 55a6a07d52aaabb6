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
        return meter_fail(error, -EINVAL, "%s: native_growth must be above 1", name);
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

/* The code of a value that is neither NaN nor in the zero bucket, `steps` below the shape's. */
static uint32_t code_of(const struct native_shape *shape, uint64_t bits, uint64_t steps)
{
    uint64_t magnitude = bits & (UINT64_MAX >> 1);
    int32_t key = native_key(&shape->keys, magnitude);
    return native_code(native_coarsen(key, shape->base_steps + (int)steps), bits >> 63);
}

/* Adds to native cells that agree with the series; false when a bucket is missing. */
static inline bool add_to_native(const struct native_shape *shape, uint64_t *native, double value)
{
    if (UNLIKELY(value != value)) {
        cell_add(&native[NATIVE_NAN_COUNT], 1);
        return true;
    }
    if (fabs(value) <= cell_load_double(&native[NATIVE_ZERO_THRESHOLD])) {
        cell_add(&native[NATIVE_ZERO_COUNT], 1);
        return true;
    }
    uint32_t code = code_of(shape, bits_of_double(value), cell_load(&native[NATIVE_STEPS]));
    uint64_t *table = native + NATIVE_HEADER_WORDS;
    bool found;
    uint32_t slot = native_table_slot(table, shape->slots, code, &found);
    if (LIKELY(found)) {
        cell_add(native_table_count(table, shape->slots, slot), 1);
    }
    return found;
}

static inline void add_to_classic(const struct histogram_shape *shape, uint64_t *cells,
                                  double value)
{
    uint32_t count = shape->index.count;
    cell_add_double(&cells[count + 1], value);
    if (count > 0) {
        cell_add_release(&cells[bucket_of(&shape->index, value)], 1);
    }
}

void native_observe(struct series *series, double value)
{
    const struct meter_family *family = series->family;
    const struct native_shape *shape = family->native;
    uint64_t *cells = series_own_cells(series);
    const struct native_series *native = (const struct native_series *)(const void *)series;
    if (LIKELY(cells != NULL)) {
        uint64_t generation = __atomic_load_n(&native->generation, __ATOMIC_ACQUIRE) + 1;
        uint64_t *words = cells + shape->offset;
        if (LIKELY(cell_load(&words[NATIVE_GENERATION]) == generation) &&
            LIKELY(add_to_native(shape, words, value))) {
            add_to_classic(family->histogram, cells, value);
            return;
        }
    }
    native_observe_slowly(series, value);
}

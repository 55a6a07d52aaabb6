/*
 * One series: its label values, its cells, and where it stands between life and reuse.
 *
 * A series is found through its family's hash table without a lock. Removed, it leaves table and
 * order at once; its memory is used again when nobody holds it and every thread that may have found
 * it has left its section. Its memory and cells are never given back before the registry goes, so
 * a stale handle can at worst count for another series of its family.
 */
#pragma once

#include "meter/family.h"

#define SERIES_NEEDS_ESCAPE 1u /* a label value has \, " or a line feed */
#define SERIES_GAUGE_ADDED 2u  /* gauge: something was added since the last set */
#define SERIES_TOUCHED 4u      /* gauge: was set since the last look of the expiry */

#define REMOVED_BUT_HELD UINT64_MAX

struct series {
    struct meter_counter handle; /* first: the handle that the user has; flags are atomic */
    struct meter_family *family;
    char *values; /* for each label in order of names: length as uint32_t, bytes */
    uint32_t hash;
    uint32_t holds; /* under the family's lock; users' handles and scrapes that stand here */
    union {
        struct series *next; /* while free or retired */
        int64_t created_ns;  /* atomic; since 1970 */
    };
    uint64_t retired_epoch;     /* 0: alive; UINT64_MAX: removed but held */
    struct series_extra *extra; /* what few types have: expiry, exemplars; else NULL */
};

struct series_extra {
    uint64_t seen_sum;  /* expiry: fingerprint of the values at the last look */
    int64_t changed_ns; /* expiry: monotonic time of the last change seen */
    struct exemplar_set *exemplars;
};

/* A gauge: see gauge.c. */
struct gauge_series {
    struct series series;
    uint64_t base;   /* double, atomic: what was last set */
    uint64_t folded; /* double: the base that is contained in a cell, under the family's lock */
    double offset;   /* what the cells held for others then, under the family's lock */
    bool exact;
};

struct state_series {
    struct series series;
    uint64_t states; /* atomic, one bit each */
};

/* Label values as the user gives them, cleaned. */
struct value_list {
    struct span items[METER_MAX_LABELS]; /* in the order of the description */
    size_t count;
    char *cleaned; /* owned; NULL when nothing had to be */
};

/* From a NULL-terminated list (NULL: none): 0, -EINVAL or -ENOMEM. value_list_free() afterwards. */
WARN_UNUSED int value_list_of_strings(struct value_list *list, const char *const *values);
WARN_UNUSED int value_list_of_texts(struct value_list *list, const struct meter_text *values,
                                    size_t count);
void value_list_free(struct value_list *list);

/* Finds or makes a series. With `hold`, it stays until series_release(). 0 or a negative errno. */
WARN_UNUSED int series_obtain(struct meter_family *family, const struct value_list *values,
                              bool hold, struct series **ret_series);

/* The same without a lock; NULL when there is none. To be called inside a section. */
struct series *series_find(struct meter_family *family, const struct value_list *values);

void series_release(struct series *series);

/* The following want the family's lock held. */
void series_retire_locked(struct meter_family *family, struct series *series);
void series_remove_locked(struct meter_family *family, struct series *series);
void series_hold_locked(struct series *series);
void series_release_locked(struct meter_family *family, struct series *series);
void series_reclaim_locked(struct meter_family *family);
/* Sorts what came since the last call. */
void series_sort_locked(struct meter_family *family);
/* Index of the first series in order whose label values are greater than those of `series`. */
size_t series_after_locked(struct meter_family *family, const struct series *series);

/* Removes those idle for family->idle_ns; returns how many. */
int series_expire(struct meter_family *family, int64_t now_ns);

/* Frees all series of a family that goes. */
void series_free_all(struct meter_family *family);

/* Iterates the label values in order of names. */
static inline struct span series_next_value(const char **cursor)
{
    uint32_t length;
    memcpy(&length, *cursor, sizeof length);
    struct span value = {*cursor + sizeof length, length};
    *cursor += sizeof length + length;
    return value;
}

static inline uint32_t series_flags(const struct series *series)
{
    return __atomic_load_n(&series->handle.flags, __ATOMIC_RELAXED);
}

/* The calling thread's cells of a series, making them; *ret_shared says that others write them. */
uint64_t *series_cells_slowly(struct series *series, bool *ret_shared);

/* The calling thread's own cells, or NULL for the slow path. */
static inline uint64_t *series_own_cells(const struct series *series)
{
    uint64_t *words =
        __atomic_load_n(&series->handle.cells->shards[meter_thread_shard], __ATOMIC_ACQUIRE);
    return LIKELY(words != NULL) ? words + series->handle.offset_words : NULL;
}

/* Around fork(2): all locks are held while it happens, so that the child gets no half-made change;
 * the child then starts counting from zero. */
#include "base/clock.h"
#include "meter/exemplar.h"
#include "meter/registry.h"
#include "meter/series.h"

void meter_before_fork(struct meter *meter)
{
    if (meter == NULL) {
        return;
    }
    pthread_mutex_lock(&meter->lock);
    for (struct meter_family *family = meter->families; family != NULL; family = family->next) {
        pthread_mutex_lock(&family->lock);
    }
    pthread_mutex_lock(&meter->pool.lock);
}

void meter_after_fork_in_parent(struct meter *meter)
{
    if (meter == NULL) {
        return;
    }
    pthread_mutex_unlock(&meter->pool.lock);
    for (struct meter_family *family = meter->families; family != NULL; family = family->next) {
        pthread_mutex_unlock(&family->lock);
    }
    pthread_mutex_unlock(&meter->lock);
}

static void start_series_anew(struct meter_family *family, struct series *series, int64_t now_ns)
{
    size_t own_bytes = family->series_bytes - sizeof *series;
    memset(series + 1, 0, own_bytes);
    __atomic_fetch_and(&series->handle.flags, SERIES_NEEDS_ESCAPE, __ATOMIC_RELAXED);
    __atomic_store_n(&series->created_ns, now_ns, __ATOMIC_RELAXED);
    if (series->extra != NULL) {
        series->extra->seen_sum = 0;
        series->extra->changed_ns = clock_monotonic_ns();
        if (series->extra->exemplars != NULL) {
            exemplar_set_clear(series->extra->exemplars);
        }
    }
}

void meter_after_fork_in_child(struct meter *meter)
{
    if (meter == NULL) {
        return;
    }
    /* Made anew rather than unlocked: their owner may be a thread that is not here. */
    pthread_mutex_init(&meter->pool.lock, NULL);
    pthread_mutex_init(&meter->lock, NULL);
    thread_forget_others();
    cell_pool_clear(&meter->pool);
    int64_t now_ns = clock_realtime_ns();
    for (struct meter_family *family = meter->families; family != NULL; family = family->next) {
        pthread_mutex_init(&family->lock, NULL);
        __atomic_store_n(&family->refused, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&family->dropped, 0, __ATOMIC_RELAXED);
        for (size_t i = 0; i < family->count; i++) {
            start_series_anew(family, family->ordered[i], now_ns);
        }
    }
}

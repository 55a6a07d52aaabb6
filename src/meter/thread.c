#include "meter/thread.h"

#include "base/assert.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMBARRIER_PRIVATE_EXPEDITED (1 << 3) /* linux/membarrier.h, which musl does not bring */
#define MEMBARRIER_REGISTER_PRIVATE_EXPEDITED (1 << 4)
/* Read without a call, also in the shared library: these are few bytes. */
#define INITIAL_EXEC __attribute__((tls_model("initial-exec")))
#define ALL_OWNABLE ((UINT64_C(1) << SHARED_SHARD) - 1)

_Static_assert(METER_SHARDS <= 64, "the set of taken shards is one word");

/* 0: outside; else the epoch at which its thread went in. A line each: written at every section. */
struct reader_slot {
    uint64_t epoch;
} CACHE_ALIGNED;

enum section { OUTSIDE, IN_OWN_SLOT, AMONG_OTHERS };

__thread uint32_t meter_thread_shard = NO_SHARD; /* declared in meter.h */
static __thread uint32_t section_depth INITIAL_EXEC;
static __thread enum section section_kind INITIAL_EXEC;

static uint64_t shards_taken;                         /* atomic */
static struct reader_slot reader_slots[SHARED_SHARD]; /* atomic */
static uint64_t other_readers;                        /* atomic: threads without a shard inside */
static uint64_t current_epoch = 1;                    /* atomic */
static bool membarrier_works;
static bool exit_key_works;
static pthread_key_t exit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

/* The next owner takes the index with acquire: it sees every cell as this thread left it. */
static void give_back(void *argument)
{
    (void)argument;
    uint32_t shard = meter_thread_shard;
    if (shard >= SHARED_SHARD) {
        return;
    }
    meter_thread_shard = NO_SHARD;
    if (section_kind == IN_OWN_SLOT) {
        section_kind = OUTSIDE;
        section_depth = 0;
    }
    __atomic_store_n(&reader_slots[shard].epoch, 0, __ATOMIC_RELEASE);
    __atomic_fetch_and(&shards_taken, ~(UINT64_C(1) << shard), __ATOMIC_RELEASE);
}

static void start(void)
{
    exit_key_works = pthread_key_create(&exit_key, give_back) == 0;
    membarrier_works = membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void thread_start(void)
{
    pthread_once(&once, start);
}

uint32_t thread_shard(void)
{
    if (meter_thread_shard < SHARED_SHARD) {
        return meter_thread_shard;
    }
    uint64_t taken = __atomic_load_n(&shards_taken, __ATOMIC_RELAXED);
    if (taken == ALL_OWNABLE || !exit_key_works) {
        return SHARED_SHARD;
    }
    uint32_t shard;
    do {
        uint64_t available = ~taken & ALL_OWNABLE;
        if (available == 0) {
            return SHARED_SHARD;
        }
        shard = (uint32_t)__builtin_ctzll(available);
    } while (!__atomic_compare_exchange_n(&shards_taken, &taken, taken | UINT64_C(1) << shard,
                                          false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    /* Any value but NULL makes the key's destructor run at the thread's end. */
    if (pthread_setspecific(exit_key, &exit_key) != 0) {
        __atomic_fetch_and(&shards_taken, ~(UINT64_C(1) << shard), __ATOMIC_RELEASE);
        return SHARED_SHARD;
    }
    meter_thread_shard = shard;
    return shard;
}

void meter_enter(void)
{
    if (section_depth++ > 0) {
        return;
    }
    uint32_t shard = thread_shard();
    if (shard == SHARED_SHARD) {
        section_kind = AMONG_OTHERS;
        __atomic_fetch_add(&other_readers, 1, __ATOMIC_SEQ_CST);
        return;
    }
    section_kind = IN_OWN_SLOT;
    uint64_t epoch = __atomic_load_n(&current_epoch, __ATOMIC_ACQUIRE);
    __atomic_store_n(&reader_slots[shard].epoch, epoch, __ATOMIC_RELEASE);
    /* The store must be seen before anything is read inside. Whoever frees runs a barrier on every
     * thread for it (membarrier); where the kernel has none, each section pays for its own. */
    if (LIKELY(membarrier_works)) {
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    } else {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

void meter_leave(void)
{
    if (section_depth == 0 || --section_depth > 0) {
        return;
    }
    if (section_kind == IN_OWN_SLOT) {
        __atomic_store_n(&reader_slots[meter_thread_shard].epoch, 0, __ATOMIC_RELEASE);
    } else {
        __atomic_fetch_sub(&other_readers, 1, __ATOMIC_RELEASE);
    }
    section_kind = OUTSIDE;
}

uint64_t thread_epoch_advance(void)
{
    return __atomic_fetch_add(&current_epoch, 1, __ATOMIC_SEQ_CST);
}

uint64_t thread_oldest_section(void)
{
    /* A system call refused later on (seccomp) only means that nothing is freed. */
    if (membarrier_works && membarrier(MEMBARRIER_PRIVATE_EXPEDITED) != 0) {
        return 0;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&other_readers, __ATOMIC_ACQUIRE) > 0) {
        return 0;
    }
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < SHARED_SHARD; i++) {
        uint64_t entered = __atomic_load_n(&reader_slots[i].epoch, __ATOMIC_ACQUIRE);
        if (entered != 0 && entered < oldest) {
            oldest = entered;
        }
    }
    return oldest;
}

void thread_forget_others(void)
{
    uint32_t own = meter_thread_shard;
    uint64_t taken = own < SHARED_SHARD ? UINT64_C(1) << own : 0;
    __atomic_store_n(&shards_taken, taken, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < SHARED_SHARD; i++) {
        if (i != own) {
            __atomic_store_n(&reader_slots[i].epoch, 0, __ATOMIC_RELEASE);
        }
    }
    __atomic_store_n(&other_readers, section_kind == AMONG_OTHERS ? 1 : 0, __ATOMIC_RELEASE);
    membarrier_works = membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) == 0;
}

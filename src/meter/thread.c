#include "meter/thread.h"

#include "base/assert.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMBARRIER_PRIVATE_EXPEDITED (1 << 3) /* linux/membarrier.h, which musl does not bring */
#define MEMBARRIER_REGISTER_PRIVATE_EXPEDITED (1 << 4)
#define ALL_OWNABLE ((UINT64_C(1) << SHARED_SHARD) - 1)

_Static_assert(METER_SHARDS <= 64, "the set of taken shards is one word");

__thread uint32_t meter_thread_shard = NO_SHARD; /* declared in meter.h */
__thread struct thread_section thread_section;
struct reader_slot thread_reader_slots[SHARED_SHARD];
uint64_t thread_current_epoch = 1;
bool thread_needs_fence = true;

static uint64_t shards_taken;  /* atomic */
static uint64_t other_readers; /* atomic: threads without a shard inside */
static pid_t process;          /* whose threads these are */
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
    if (thread_section.kind == SECTION_IN_OWN_SLOT) {
        thread_section = (struct thread_section){0};
    }
    __atomic_store_n(&thread_reader_slots[shard].epoch, 0, __ATOMIC_RELEASE);
    __atomic_fetch_and(&shards_taken, ~(UINT64_C(1) << shard), __ATOMIC_RELEASE);
}

static void start(void)
{
    process = getpid();
    exit_key_works = pthread_key_create(&exit_key, give_back) == 0;
    thread_needs_fence = membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) != 0;
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

void thread_section_begin_slowly(void)
{
    if (thread_shard() != SHARED_SHARD) {
        thread_section.depth--;
        thread_section_begin();
        return;
    }
    thread_section.kind = SECTION_AMONG_OTHERS;
    __atomic_fetch_add(&other_readers, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* what is read inside is read after it, on any CPU */
}

void thread_section_end_slowly(void)
{
    __atomic_fetch_sub(&other_readers, 1, __ATOMIC_RELEASE);
    thread_section.kind = SECTION_OUTSIDE;
}

void meter_enter(void)
{
    thread_section_begin();
}

void meter_leave(void)
{
    thread_section_end();
}

uint64_t thread_epoch_advance(void)
{
    return __atomic_fetch_add(&thread_current_epoch, 1, __ATOMIC_SEQ_CST);
}

uint64_t thread_oldest_section(void)
{
    /* A system call refused later on (seccomp) only means that nothing is freed. */
    if (!thread_needs_fence && membarrier(MEMBARRIER_PRIVATE_EXPEDITED) != 0) {
        return 0;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&other_readers, __ATOMIC_ACQUIRE) > 0) {
        return 0;
    }
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < SHARED_SHARD; i++) {
        uint64_t entered = __atomic_load_n(&thread_reader_slots[i].epoch, __ATOMIC_ACQUIRE);
        if (entered != 0 && entered < oldest) {
            oldest = entered;
        }
    }
    return oldest;
}

void thread_forget_others(void)
{
    /* Once in a child: at the second registry it may have threads of its own. */
    if (process == getpid()) {
        return;
    }
    process = getpid();
    uint32_t own = meter_thread_shard;
    uint64_t taken = own < SHARED_SHARD ? UINT64_C(1) << own : 0;
    __atomic_store_n(&shards_taken, taken, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < SHARED_SHARD; i++) {
        if (i != own) {
            __atomic_store_n(&thread_reader_slots[i].epoch, 0, __ATOMIC_RELEASE);
        }
    }
    __atomic_store_n(&other_readers, thread_section.kind == SECTION_AMONG_OTHERS ? 1 : 0,
                     __ATOMIC_RELEASE);
    thread_needs_fence = membarrier(MEMBARRIER_REGISTER_PRIVATE_EXPEDITED) != 0;
}

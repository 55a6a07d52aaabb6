#include "base/grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_NS 50000           /* for a reader that was interrupted while it looked */
#define STORES_SEEN_NS 10000000 /* a store is seen by all processors long before */

static void pause_ns(long ns)
{
    struct timespec time = {.tv_nsec = ns};
    (void)nanosleep(&time, NULL);
}

void grace_init(struct grace *grace)
{
    bool registered = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    atomic_init(&grace->fences, !registered);
}

void grace_pass_barriers(struct grace *grace)
{
    if (atomic_load_explicit(&grace->fences, memory_order_relaxed)) {
        atomic_thread_fence(memory_order_seq_cst);
        return;
    }
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) {
        return;
    }
    /* It was taken away since, by a seccomp filter: time does what it did, this once. */
    atomic_store(&grace->fences, true);
    pause_ns(STORES_SEEN_NS);
}

void grace_wait(const struct grace_reader *reader)
{
    uint32_t turns = atomic_load(&reader->turns);
    /* Once it went on it has seen the change, however often it is found looking. */
    while (turns % 2 == 1 && atomic_load(&reader->turns) == turns) {
        pause_ns(WAIT_NS);
    }
}

#include "base/reserve.h"

#include "base/assert.h"

#include <sys/mman.h>

void *reserve_memory(size_t bytes)
{
    ASSERT(bytes > 0);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void reserve_free(void *memory, size_t bytes)
{
    if (memory != NULL) {
        int result = munmap(memory, bytes);
        ASSERT(result == 0);
    }
}

void reserve_release_pages(void *memory, size_t bytes)
{
    /* Advice: where it fails, the pages stay, which is only less thrifty. */
    (void)madvise(memory, bytes, MADV_DONTNEED);
}

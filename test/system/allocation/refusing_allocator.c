/*
 * Preloaded in front of libc: counts allocations, and refuses them while told to. The test and the
 * program share the file that REFUSING_ALLOCATOR names: two 64-bit words, the number of
 * allocations so far, and whether to refuse.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared {
    _Atomic unsigned long count;
    _Atomic unsigned long refuse;
};

static struct shared *shared;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("REFUSING_ALLOCATOR");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        abort();
    }
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED) {
        abort();
    }
    shared = memory;
}

/*
 * Let through uncounted: what libc allocates before the constructor has run, and the main thread,
 * which serves no request, but ends a slice of the truth every ten seconds.
 */
static int refused(void)
{
    if (shared == NULL || gettid() == getpid()) {
        return 0;
    }
    atomic_fetch_add(&shared->count, 1);
    if (atomic_load(&shared->refuse) != 0) {
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

/* glibc's own names for its allocator, so that no look-up can allocate. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes)
{
    return refused() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return refused() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    return refused() ? NULL : __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return refused() ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t bytes)
{
    if (refused()) {
        return ENOMEM;
    }
    *ret_memory = __libc_memalign(alignment, bytes);
    return *ret_memory == NULL ? ENOMEM : 0;
}

/* The C run-time: where a Go program has go_*, a C one has threads and the allocator's state. */
#include "meter/family.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#define HAS_MALLINFO2 1
#include <gnu/libc-version.h>
#include <malloc.h>
#else
#define HAS_MALLINFO2 0
#endif

/* The number of threads, from /proc/self/status. */
static void collect_threads(struct meter_sink *sink, void *context)
{
    (void)context;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        return;
    }
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Threads:", 8) == 0) {
            uint64_t threads = strtoull(line + 8, NULL, 10);
            (void)meter_emit(sink, NULL, (double)threads);
            break;
        }
    }
    fclose(file);
}

static void collect_info(struct meter_sink *sink, void *context)
{
    (void)context;
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
    const char *compiler = "gcc " __VERSION__;
#else
    const char *compiler = "unknown";
#endif
    char libc[64];
#if defined(__GLIBC__)
    (void)snprintf(libc, sizeof libc, "glibc %s", gnu_get_libc_version());
#else
    (void)snprintf(libc, sizeof libc, "unknown (not glibc)");
#endif
    (void)meter_emit(sink, METER_LABELS(meter_version(), compiler, libc), 1);
}

#if HAS_MALLINFO2
static void collect_heap(struct meter_sink *sink, void *context)
{
    (void)context;
    struct mallinfo2 info = mallinfo2();
    (void)meter_emit(sink, NULL, (double)(info.arena + info.hblkhd));
}

static void collect_allocated(struct meter_sink *sink, void *context)
{
    (void)context;
    struct mallinfo2 info = mallinfo2();
    (void)meter_emit(sink, NULL, (double)(info.uordblks + info.hblkhd));
}

static void collect_free(struct meter_sink *sink, void *context)
{
    (void)context;
    struct mallinfo2 info = mallinfo2();
    (void)meter_emit(sink, NULL, (double)info.fordblks);
}

static void collect_mapped(struct meter_sink *sink, void *context)
{
    (void)context;
    struct mallinfo2 info = mallinfo2();
    (void)meter_emit(sink, NULL, (double)info.hblkhd);
}
#endif

int meter_register_runtime(struct meter *meter, struct meter_error *error)
{
    const struct meter_description families[] = {
        {.type = METER_GAUGE,
         .name = "process_threads",
         .help = "Number of threads of the process.",
         .collect = collect_threads},
        {.type = METER_INFO,
         .name = "meter_runtime_info",
         .help = "Version of libmeter, and the compiler and libc it was built with.",
         .labels = METER_LABELS("version", "compiler", "libc"),
         .collect = collect_info},
#if HAS_MALLINFO2
        {.type = METER_GAUGE,
         .name = "malloc_heap_bytes",
         .help = "Memory that malloc has from the kernel, arenas and mappings.",
         .collect = collect_heap},
        {.type = METER_GAUGE,
         .name = "malloc_allocated_bytes",
         .help = "Memory that is allocated from malloc now.",
         .collect = collect_allocated},
        {.type = METER_GAUGE,
         .name = "malloc_free_bytes",
         .help = "Memory in malloc's arenas that is free.",
         .collect = collect_free},
        {.type = METER_GAUGE,
         .name = "malloc_mapped_bytes",
         .help = "Memory in mappings that malloc made for large requests.",
         .collect = collect_mapped},
#endif
    };
#if HAS_MALLINFO2
    /* Its first call is not thread-safe where another allocator is in malloc's place, so that the
       one it asks is not initialised yet (mallinfo(3): MT-Unsafe init). */
    (void)mallinfo2();
#endif
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (meter_register(meter, &families[i], error) == NULL) {
            return -errno;
        }
    }
    return 0;
}

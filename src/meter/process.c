/* What the kernel knows of the process: proc(5), getrlimit(2). */
#include "base/clock.h"
#include "meter/family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Fields of /proc/self/stat counted from 1, as proc(5) does. */
#define STAT_START_TICKS 22

/* Reads a whole small file; the length, or 0. */
static size_t read_file(const char *path, char *text, size_t capacity)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return 0;
    }
    ssize_t length = read(descriptor, text, capacity - 1);
    close(descriptor);
    size_t used = length > 0 ? (size_t)length : 0;
    text[used] = '\0';
    return used;
}

/* A field behind the command's name, which may hold spaces and parentheses. */
static bool stat_field(int wanted, uint64_t *ret_value)
{
    char text[1024];
    if (read_file("/proc/self/stat", text, sizeof text) == 0) {
        return false;
    }
    char *cursor = strrchr(text, ')');
    for (int field = 2; cursor != NULL && field < wanted; field++) {
        cursor = strchr(cursor + 1, ' ');
    }
    if (cursor == NULL) {
        return false;
    }
    *ret_value = strtoull(cursor, NULL, 10);
    return true;
}

static void collect_cpu(struct meter_sink *sink, void *context)
{
    (void)context;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
        (void)meter_emit(sink, NULL, seconds);
    }
}

/* `got` is what getrlimit returned; the type of its first argument is libc's own. */
static void emit_limit(struct meter_sink *sink, int got, const struct rlimit *limit)
{
    if (got == 0) {
        double value = limit->rlim_cur == RLIM_INFINITY ? 0x1p64 : (double)limit->rlim_cur;
        (void)meter_emit(sink, NULL, value);
    }
}

static void collect_max_fds(struct meter_sink *sink, void *context)
{
    (void)context;
    struct rlimit limit;
    emit_limit(sink, getrlimit(RLIMIT_NOFILE, &limit), &limit);
}

static void collect_max_memory(struct meter_sink *sink, void *context)
{
    (void)context;
    struct rlimit limit;
    emit_limit(sink, getrlimit(RLIMIT_AS, &limit), &limit);
}

static void collect_open_fds(struct meter_sink *sink, void *context)
{
    (void)context;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return;
    }
    int count = -1; /* the directory's own descriptor */
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    (void)meter_emit(sink, NULL, count);
}

/* /proc/self/statm: total and resident size in pages. */
static void emit_pages(struct meter_sink *sink, bool resident)
{
    char text[256];
    if (read_file("/proc/self/statm", text, sizeof text) == 0) {
        return;
    }
    char *cursor = text;
    uint64_t pages = strtoull(cursor, &cursor, 10);
    if (resident) {
        pages = strtoull(cursor, NULL, 10);
    }
    long page_bytes = sysconf(_SC_PAGESIZE);
    (void)meter_emit(sink, NULL, (double)pages * (double)page_bytes);
}

static void collect_resident(struct meter_sink *sink, void *context)
{
    (void)context;
    emit_pages(sink, true);
}

static void collect_virtual(struct meter_sink *sink, void *context)
{
    (void)context;
    emit_pages(sink, false);
}

/* The boot time, `btime` of /proc/stat, and the ticks from then to the process' start. */
static double boot_seconds(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) {
        return (double)NAN;
    }
    char line[512];
    double seconds = (double)NAN;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "btime ", 6) == 0) {
            uint64_t boot = strtoull(line + 6, NULL, 10);
            seconds = (double)boot;
            break;
        }
    }
    fclose(file);
    return seconds;
}

static void collect_start(struct meter_sink *sink, void *context)
{
    (void)context;
    uint64_t ticks;
    double boot = boot_seconds();
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    if (stat_field(STAT_START_TICKS, &ticks) && !isnan(boot)) {
        (void)meter_emit(sink, NULL, boot + (double)ticks / (double)ticks_per_second);
    }
}

int meter_register_process(struct meter *meter, struct meter_error *error)
{
    static const struct meter_description families[] = {
        {.type = METER_COUNTER,
         .name = "process_cpu_seconds_total",
         .help = "Total user and system CPU time spent in seconds.",
         .collect = collect_cpu},
        {.type = METER_GAUGE,
         .name = "process_max_fds",
         .help = "Maximum number of open file descriptors.",
         .collect = collect_max_fds},
        {.type = METER_GAUGE,
         .name = "process_open_fds",
         .help = "Number of open file descriptors.",
         .collect = collect_open_fds},
        {.type = METER_GAUGE,
         .name = "process_resident_memory_bytes",
         .help = "Resident memory size in bytes.",
         .collect = collect_resident},
        {.type = METER_GAUGE,
         .name = "process_start_time_seconds",
         .help = "Start time of the process since unix epoch in seconds.",
         .collect = collect_start},
        {.type = METER_GAUGE,
         .name = "process_virtual_memory_bytes",
         .help = "Virtual memory size in bytes.",
         .collect = collect_virtual},
        {.type = METER_GAUGE,
         .name = "process_virtual_memory_max_bytes",
         .help = "Maximum amount of virtual memory available in bytes.",
         .collect = collect_max_memory},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(families); i++) {
        if (meter_register(meter, &families[i], error) == NULL) {
            return -errno;
        }
    }
    return 0;
}

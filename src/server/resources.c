#include "server/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define GROUP_BYTES (PATH_BYTES - 64)

static unsigned affinity_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        return online > 0 ? (unsigned)online : 1;
    }
    return (unsigned)CPU_COUNT(&set);
}

/* Reads the first line of a small file. False when it cannot be read. */
static bool read_line(const char *path, char *line, int capacity)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(line, capacity, file) != NULL;
    fclose(file);
    return read;
}

/* The unsigned number at `text`, `*ret_end` behind it; false when there is none that fits. */
static bool parse_number(const char *text, uint64_t *ret_number, char **ret_end)
{
    errno = 0;
    *ret_number = strtoull(text, ret_end, 10);
    return *ret_end != text && errno == 0 && strchr(text, '-') == NULL;
}

static uint64_t smaller_quota(uint64_t current, uint64_t quota_us, uint64_t period_us)
{
    if (period_us == 0) {
        return current;
    }
    uint64_t processors = (quota_us + period_us - 1) / period_us;
    processors = processors == 0 ? 1 : processors;
    return processors < current ? processors : current;
}

/* cgroup 2: "QUOTA PERIOD" or "max PERIOD" in cpu.max of the group and each group above it. */
static uint64_t quota_of_version_2(const char *group)
{
    uint64_t processors = UINT64_MAX;
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "/sys/fs/cgroup%s", strcmp(group, "/") == 0 ? "" : group);
    for (;;) {
        char path[PATH_BYTES + 16];
        char line[128];
        snprintf(path, sizeof path, "%s/cpu.max", folder);
        char *end = NULL;
        uint64_t quota_us = 0, period_us = 0;
        if (read_line(path, line, sizeof line) && parse_number(line, &quota_us, &end) &&
            parse_number(end, &period_us, &end)) {
            processors = smaller_quota(processors, quota_us, period_us);
        }
        char *slash = strrchr(folder, '/');
        if (slash == NULL || strcmp(folder, "/sys/fs/cgroup") == 0) {
            return processors;
        }
        *slash = '\0';
    }
}

/* cgroup 1: two files; a quota of -1 is none. A container sees its own group at the root. */
static uint64_t quota_of_version_1(void)
{
    static const char *const folders[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[128];
        char line[128];
        char *end = NULL;
        uint64_t quota_us = 0, period_us = 0;
        snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folders[i]);
        if (!read_line(path, line, sizeof line) || !parse_number(line, &quota_us, &end)) {
            continue;
        }
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folders[i]);
        if (read_line(path, line, sizeof line) && parse_number(line, &period_us, &end)) {
            return smaller_quota(UINT64_MAX, quota_us, period_us);
        }
    }
    return UINT64_MAX;
}

/* The path of the process in cgroup 2: the line "0::PATH" of /proc/self/cgroup. */
static void own_group(char *group, size_t capacity)
{
    snprintf(group, capacity, "/");
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL) {
        return;
    }
    char line[GROUP_BYTES];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(group, capacity, "%s", line + 3);
        }
    }
    fclose(file);
}

unsigned resources_processors(void)
{
    unsigned processors = affinity_processors();
    char group[GROUP_BYTES];
    own_group(group, sizeof group);
    uint64_t quota = quota_of_version_2(group);
    uint64_t quota_1 = quota_of_version_1();
    quota = quota_1 < quota ? quota_1 : quota;
    return quota < processors ? (unsigned)quota : processors;
}

uint64_t resources_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

void resources_open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            /* The lowest free descriptor is this one. Where it fails, there is nobody to tell. */
            int opened = open("/dev/null", O_RDWR);
            (void)opened;
        }
    }
}

/*
 * What the process may use of the machine: processors and descriptors. Linux.
 */
#pragma once

#include <stdint.h>

/*
 * Processors that may be used at once: those of the affinity mask, or fewer when a cgroup (version
 * 2 or 1) gives a quota of less, rounded up. At least 1.
 */
unsigned resources_processors(void);

/*
 * Raises the soft limit of descriptors to the hard one. Returns the limit in force.
 */
uint64_t resources_raise_descriptor_limit(void);

/*
 * Opens /dev/null where descriptors 0, 1 or 2 are closed, so that no socket becomes one of them.
 */
void resources_open_standard_descriptors(void);

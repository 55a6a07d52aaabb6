#include "server/command.h"

#include <stdlib.h>

const char program_version[] = PROGRAM_VERSION; /* meson's project_version() */

int command_version_run(const struct configuration *configuration)
{
    (void)configuration;
    printf("httpserver %s\n", program_version);
    return EXIT_SUCCESS;
}

#include "server/command.h"
#include "server/command_serve.h"

#include <unistd.h>

int main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"serve", "answer requests after a delay drawn from a law", COMMAND_SERVE,
         command_serve_run},
        {"draw", "print draws of a law", COMMAND_DRAW, command_draw_run},
        {"health", "ask a running server whether it lives", COMMAND_HEALTH, command_health_run},
        {"verify", "ask whether a monitoring stack tells the truth", COMMAND_VERIFY,
         command_verify_run},
        {"version", "print the version", COMMAND_VERSION, command_version_run},
    };
    return command_main(commands, sizeof commands / sizeof commands[0], argc, argv, environ);
}

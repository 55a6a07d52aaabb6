/*
 * `httpserver draw`: the delays that a server with the same law and seed gives, in order; of the
 * rule of the options, or of another by its number.
 */
#include "base/quantity.h"
#include "latency/draw.h"
#include "server/command.h"

#include <stdlib.h>

#define LINE_MAX_BYTES 32

int command_draw_run(const struct configuration *configuration)
{
    if (!configuration->seed_given && law_draws(configuration->delay)) {
        fprintf(stderr, "httpserver: seed %llu\n", (unsigned long long)configuration->seed.number);
    }
    for (uint64_t ordinal = 0; ordinal < configuration->draw_count; ordinal++) {
        char memory[LINE_MAX_BYTES];
        struct buffer line = buffer_over(memory, sizeof memory);
        buffer_append_seconds(&line, draw_delay_ns(configuration->delay, configuration->seed.key,
                                                   ordinal, (uint32_t)configuration->draw_rule));
        buffer_append_byte(&line, '\n');
        if (fwrite(memory, 1, line.length, stdout) != line.length) {
            break; /* the reader has gone; main says so */
        }
    }
    return EXIT_SUCCESS;
}

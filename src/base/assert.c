#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void assert_failed(const char *file, int line, const char *function, const char *condition)
{
    char text[512];
    int length = snprintf(text, sizeof text, "%s:%d: %s: assertion failed: %s\n", file, line,
                          function, condition);
    if (length > 0) {
        size_t bytes = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
        ssize_t written = write(STDERR_FILENO, text, bytes);
        (void)written; /* nothing is left to do about a closed stderr */
    }
    abort();
}

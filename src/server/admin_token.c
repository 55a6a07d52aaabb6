#include "server/admin_token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Reads until the end or until the memory is full. Returns the bytes or a negative errno. */
static ssize_t read_file(const char *path, char *memory, size_t capacity)
{
    /* Without waiting for the writer of a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return -errno;
    }
    ssize_t length = 0;
    ssize_t got = 0;
    do {
        got = read(fd, memory + length, capacity - (size_t)length);
        length += got > 0 ? got : 0;
    } while (got > 0 && (size_t)length < capacity);
    int error = errno;
    close(fd);
    return got < 0 ? -error : length;
}

int admin_token_read(const char *path, char ret_token[ADMIN_TOKEN_MAX_BYTES + 1],
                     const char **ret_reason)
{
    char memory[2 * ADMIN_TOKEN_MAX_BYTES] = {0};
    ssize_t length = read_file(path, memory, sizeof memory);
    if (length < 0) {
        *ret_reason = strerror((int)-length);
        return (int)length;
    }
    while (length > 0 && memchr(" \t\r\n", memory[length - 1], 4) != NULL) {
        length--;
    }
    *ret_reason = "a token is 16 to 256 visible ASCII characters";
    if (length < ADMIN_TOKEN_MIN_BYTES || length > ADMIN_TOKEN_MAX_BYTES) {
        return -EINVAL;
    }
    for (ssize_t i = 0; i < length; i++) {
        if (memory[i] <= ' ' || memory[i] > '~') {
            return -EINVAL;
        }
    }
    memcpy(ret_token, memory, (size_t)length);
    ret_token[length] = '\0';
    return 0;
}

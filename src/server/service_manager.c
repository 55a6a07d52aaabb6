#include "server/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int service_manager_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL) {
        return -ENODATA;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length >= sizeof address.sun_path) {
        return -EINVAL;
    }
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    socklen_t address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (connect(fd, (const struct sockaddr *)&address, address_length) != 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    return fd;
}

void service_manager_tell(int fd, const char *state)
{
    if (fd >= 0) {
        ssize_t sent = send(fd, state, strlen(state), MSG_NOSIGNAL);
        (void)sent;
    }
}

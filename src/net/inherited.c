#include "net/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3

static int refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return -EINVAL;
}

static bool parse_number(const char *text, unsigned long *ret_number)
{
    char *end = NULL;
    errno = 0;
    *ret_number = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

static bool is_listening_stream(int fd)
{
    int listening = 0, type = 0;
    socklen_t length = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
        return false;
    }
    length = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* Takes the name in front of the next colon off the list. */
static struct span next_name(struct span *names)
{
    const char *colon = names->length == 0 ? NULL : memchr(names->data, ':', names->length);
    size_t length = colon == NULL ? names->length : (size_t)(colon - names->data);
    struct span name = span_of(names->data, length);
    *names = span_after(*names, colon == NULL ? length : length + 1);
    return name;
}

int inherited_sockets_take(struct inherited_sockets *ret_sockets, const char **ret_reason)
{
    *ret_sockets = (struct inherited_sockets){0};
    const char *pid_text = getenv("LISTEN_PID");
    const char *count_text = getenv("LISTEN_FDS");
    if (pid_text == NULL || count_text == NULL) {
        return 0;
    }
    unsigned long pid = 0, count = 0;
    if (!parse_number(pid_text, &pid) || !parse_number(count_text, &count)) {
        return refuse("LISTEN_PID and LISTEN_FDS must be numbers", ret_reason);
    }
    if (pid != (unsigned long)getpid()) {
        return 0; /* for a parent of ours, who did not take the variables away */
    }
    if (count > INHERITED_MAX) {
        return refuse("LISTEN_FDS is above 16", ret_reason);
    }
    const char *names_text = getenv("LISTEN_FDNAMES");
    struct span names = names_text == NULL ? SPAN("") : span_from_string(names_text);
    for (unsigned long i = 0; i < count; i++) {
        int fd = FIRST_FD + (int)i;
        if (!is_listening_stream(fd) || !prepare(fd)) {
            return refuse("a descriptor handed over is no listening stream socket", ret_reason);
        }
        ret_sockets->fds[i] = fd;
        ret_sockets->names[i] = next_name(&names);
        ret_sockets->count++;
    }
    return 0;
}

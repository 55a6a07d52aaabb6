/*
 * Telling the service manager that started the process how far it is, by the protocol of
 * sd_notify(3): datagrams to the Unix socket that NOTIFY_SOCKET names, in the file system or, with
 * a leading @, in Linux' abstract name space.
 */
#pragma once

#include "base/compiler.h"

/*
 * A datagram socket connected to it, which the caller closes; -ENODATA when the variable is not
 * set, another negative errno when it cannot be reached. To be called before system calls are given
 * up.
 */
WARN_UNUSED int service_manager_open(void);

#define SERVICE_READY "READY=1"
#define SERVICE_STOPPING "STOPPING=1"

/* Never blocks; what the manager does not take is lost, and it then times out. No-op when fd < 0.
 */
void service_manager_tell(int fd, const char *state);

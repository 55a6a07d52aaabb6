/*
 * Giving up what serving does not need: the user that started the process, and the system calls
 * it will never make. Linux; the calling thread must be the only one.
 */
#pragma once

#include "base/compiler.h"
#include "base/span.h"

#include <stdbool.h>
#include <sys/types.h>

struct privileges_user {
    uid_t user;
    gid_t group;
};

/* Reads numeric `UID:GID`. False when it is not that. */
WARN_UNUSED bool privileges_parse_user(struct span text, struct privileges_user *ret_user);

/* Becomes that user, without supplementary groups, for good. Returns 0 or a negative errno. */
WARN_UNUSED int privileges_become(struct privileges_user user);

/*
 * Sets PR_SET_NO_NEW_PRIVS and a seccomp filter that lets the calls of a serving process through;
 * the others fail with EPERM, so that a gap in the list is an error message and not a dead server.
 * Threads made later inherit it. Returns 0 or a negative errno: -ENOSYS where the kernel, the
 * architecture or this build (sanitizers) has no filter.
 */
WARN_UNUSED int privileges_restrict_calls(void);

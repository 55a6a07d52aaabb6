/*
 * The token of --admin, read from its file once, at start: who rotates it starts the server anew.
 */
#pragma once

#include "base/compiler.h"

#define ADMIN_TOKEN_MIN_BYTES 16 /* not to be guessed */
#define ADMIN_TOKEN_MAX_BYTES 256

/*
 * Reads the file, whose white space at the end does not count. Returns 0 or a negative errno, with
 * `*ret_reason` a constant text.
 */
WARN_UNUSED int admin_token_read(const char *path, char ret_token[ADMIN_TOKEN_MAX_BYTES + 1],
                                 const char **ret_reason);

/*
 * Invariants, checked in release builds too. Never for what comes from outside: a peer, a file or
 * a user must not be able to make one fail.
 */
#pragma once

#include "base/compiler.h"

/* Writes "file:line: function: condition" to stderr and aborts. Any thread; async-signal-safe. */
COLD _Noreturn void assert_failed(const char *file, int line, const char *function,
                                  const char *condition);

#define ASSERT(condition)                                                                          \
    (LIKELY(condition) ? (void)0 : assert_failed(__FILE__, __LINE__, __func__, #condition))

/* A place that no input leads to; `reason` is a literal that says why. */
#define ASSERT_UNREACHABLE(reason) assert_failed(__FILE__, __LINE__, __func__, reason)

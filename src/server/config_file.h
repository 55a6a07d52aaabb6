/*
 * The YAML file: one mapping from options' names to scalars, or sequences of scalars for lists, and
 * the rules, which config_rules.h reads. With libyaml. One thread.
 */
#pragma once

#include "server/settings.h"

#define CONFIG_FILE_MAX_BYTES ((size_t)1 << 20)

/* Reads the file; -EINVAL or the errno of reading it, with path:line:column in `error`. */
int config_file_read(const char *path, struct settings *settings, char *error) WARN_UNUSED;

/* All of a regular file of at most CONFIG_FILE_MAX_BYTES, into memory that the caller frees. */
int config_file_fetch(const char *path, char **ret_data, size_t *ret_length,
                      char *error) WARN_UNUSED;

/* The same from memory; `path` is for messages. Safe on any bytes. */
int config_file_parse(const char *path, struct span text, struct settings *settings,
                      char *error) WARN_UNUSED;

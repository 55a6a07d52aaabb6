/*
 * Reading a YAML document: what the parts that read the configuration file share. Private to
 * src/server/config_*.c. One thread.
 */
#pragma once

#include "base/parse_error.h"
#include "base/span.h"

#include <stdbool.h>
#include <yaml.h>

struct config_reader {
    const char *path; /* for messages */
    yaml_document_t *document;
    char *error; /* CONFIGURATION_ERROR_BYTES */
};

/* `path:line:column: reason`; returns -EINVAL. */
int config_refuse(const struct config_reader *reader, const yaml_node_t *node, const char *reason);

/* The same with the scalar in front: `path:line:column: value: reason`. */
int config_refuse_scalar(const struct config_reader *reader, const yaml_node_t *scalar,
                         const char *reason);

const yaml_node_t *config_node(const struct config_reader *reader, int index);

/* What a scalar says. */
struct span config_scalar(const yaml_node_t *scalar);

/* A scalar, printable or not, or "expected `expected`". */
int config_expect_scalar(const struct config_reader *reader, const yaml_node_t *node,
                         const char *expected, struct span *ret_text);

/* How many items or pairs; 0 for a scalar. */
size_t config_count(const yaml_node_t *node);
const yaml_node_t *config_item(const struct config_reader *reader, const yaml_node_t *sequence,
                               size_t index);

/* A key of a mapping that something is known about, and what reads its value. */
struct config_key {
    const char *name;
    int (*read)(const struct config_reader *reader, const yaml_node_t *value, void *context);
};

#define CONFIG_MAX_KEYS 32

/*
 * Reads a mapping in which each of the keys may be once, and no other; `what` is said when it is no
 * mapping. `context` is for the keys' functions.
 */
int config_read_mapping(const struct config_reader *reader, const yaml_node_t *node,
                        const char *what, const struct config_key *keys, size_t key_count,
                        void *context);

/*
 * Loads the one document that the text is and has `read` read its root (NULL: nothing is there).
 * -EINVAL or -ENOMEM, with `error` filled.
 */
int config_load(const char *path, struct span text, char *error,
                int (*read)(const struct config_reader *reader, const yaml_node_t *root,
                            void *context),
                void *context);

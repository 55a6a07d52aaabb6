/*
 * The seed of all draws: `N`, the same draws everywhere, or `N@NAME`, where NAME is mixed in so
 * that replicas differ. Pure functions, any thread.
 */
#pragma once

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/parse_error.h"
#include "base/span.h"

#include <stdint.h>

/* As long as a Kubernetes object's name may be. */
#define SEED_NAME_MAX_BYTES 253
#define SEED_TEXT_MAX_BYTES (20 + 1 + SEED_NAME_MAX_BYTES)

struct seed {
    uint64_t key;    /* what random_draw() takes; see seed_key() */
    uint64_t number; /* N */
    size_t name_length;
    char name[SEED_NAME_MAX_BYTES]; /* no terminator; empty when the seed is `N` */
};

/* N is decimal, NAME one or more of A-Z a-z 0-9 . _ - ; -EINVAL otherwise. `error` may be NULL. */
int seed_parse(struct span text, struct seed *ret_seed, struct parse_error *error) WARN_UNUSED;

struct seed seed_from_number(uint64_t number);

/* N as it is without a name; otherwise mix64(N + fnv1a64(NAME)) of seed.c. */
uint64_t seed_key(uint64_t number, struct span name);

void buffer_append_seed(struct buffer *buffer, const struct seed *seed);

/*
 * Random numbers that are a pure function of what they are for: Philox4x32-10, the counter-based
 * generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
 * (SC11). There is no state, so draws depend neither on the number of threads nor on their order.
 * Not for secrets. Any thread.
 */
#pragma once

#include <stdint.h>

struct random_bits {
    uint32_t word[4];
};

struct random_bits philox4x32_10(struct random_bits counter, uint32_t key_low, uint32_t key_high);

/*
 * The 128 bits of draw `ordinal` of `stream` (a rule) for `purpose`; all different for different
 * arguments under one key, because Philox is a bijection of its counter. The counter is (low half
 * of the ordinal, its high half, stream, purpose); the key's low half comes first.
 */
static inline struct random_bits random_draw(uint64_t key, uint64_t ordinal, uint32_t stream,
                                             uint32_t purpose)
{
    struct random_bits counter = {{(uint32_t)ordinal, (uint32_t)(ordinal >> 32), stream, purpose}};
    return philox4x32_10(counter, (uint32_t)key, (uint32_t)(key >> 32));
}

static inline uint64_t random_u64(struct random_bits bits)
{
    return (uint64_t)bits.word[1] << 32 | bits.word[0];
}

/*
 * Uniform in (0, 1), both ends excluded, so that every law's inverse cdf is finite: the odd
 * multiples of 2^-53, made of the upper 52 bits of random_u64().
 */
static inline double random_unit(struct random_bits bits)
{
    return ((double)(random_u64(bits) >> 12) + 0.5) * 0x1p-52;
}

/* A number nobody chose, below 2^53 so that JSON and Prometheus hold it exactly. From getrandom. */
uint64_t random_from_system(void);

#include "base/random.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/random.h>

/* Section 4.3 and table 1 of the paper: the multipliers, and the Weyl sequence of the key. */
#define MULTIPLIER_0 UINT64_C(0xD2511F53)
#define MULTIPLIER_1 UINT64_C(0xCD9E8D57)
#define WEYL_0 UINT32_C(0x9E3779B9) /* the golden ratio */
#define WEYL_1 UINT32_C(0xBB67AE85) /* the square root of 3, minus 1 */
#define ROUNDS 10

struct random_bits philox4x32_10(struct random_bits counter, uint32_t key_low, uint32_t key_high)
{
    uint32_t *word = counter.word;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t product_0 = MULTIPLIER_0 * word[0];
        uint64_t product_1 = MULTIPLIER_1 * word[2];
        counter = (struct random_bits){{
            (uint32_t)(product_1 >> 32) ^ word[1] ^ key_low,
            (uint32_t)product_1,
            (uint32_t)(product_0 >> 32) ^ word[3] ^ key_high,
            (uint32_t)product_0,
        }};
        key_low += WEYL_0;
        key_high += WEYL_1;
    }
    return counter;
}

uint64_t random_from_system(void)
{
    uint64_t number = 0;
    ssize_t got;
    do {
        got = getrandom(&number, sizeof number, 0);
    } while (got < 0 && errno == EINTR);
    ASSERT(got == (ssize_t)sizeof number); /* never short up to 256 bytes: getrandom(2) */
    return number >> 11;
}

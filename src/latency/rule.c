#include "latency/rule.h"

void rule_init(struct rule *rule, const struct law *law, uint64_t seed_key, uint32_t number)
{
    *rule = (struct rule){
        .law = law,
        .seed_key = seed_key,
        .number = number,
        .draws = law_draws(law),
    };
}

#include "latency/rule_set.h"

/* A rule with a share draws for each request that it is for whether it takes it. */
static bool takes(const struct rule_entry *entry, struct outcome *ret_outcome)
{
    struct rule *rule = entry->rule;
    if (entry->share >= 1) {
        rule_draw(rule, ret_outcome);
        return true;
    }
    uint64_t ordinal = rule_take_ordinal(rule);
    double unit =
        random_unit(random_draw(rule->seed_key, ordinal, rule->definition.number, DRAW_SHARE));
    if (unit >= entry->share) {
        return false;
    }
    rule_draw_at(rule, ordinal, ret_outcome);
    return true;
}

bool rule_set_search(const struct rule_set *set, const struct request *request,
                     struct outcome *ret_outcome)
{
    for (unsigned i = 0; i < set->count; i++) {
        const struct rule_entry *entry = &set->entries[i];
        if (rule_matches(&entry->rule->definition, request) && takes(entry, ret_outcome)) {
            return true;
        }
    }
    return false;
}

bool rule_pattern_meets(const struct rule_pattern *pattern, const struct rule_route *route)
{
    struct span text = span_of(pattern->text, pattern->length);
    return rule_pattern_matches(pattern, route->path) ||
           (route->prefix && span_starts_with(text, route->path)) ||
           (route->prefix && pattern->prefix && span_starts_with(route->path, text));
}

/* Whether every request of the route, which it meets, is for the rule. */
static bool takes_all(const struct rule_entry *entry, const struct rule_route *route)
{
    const struct rule_definition *definition = &entry->rule->definition;
    struct span text = span_of(definition->route.text, definition->route.length);
    bool all_paths =
        definition->route.prefix ? span_starts_with(route->path, text) : !route->prefix;
    return all_paths && definition->methods == 0 && definition->field_count == 0 &&
           entry->share >= 1;
}

const struct rule *rule_set_sole(const struct rule_set *set, const struct rule_route *route)
{
    for (unsigned i = 0; i < set->count; i++) {
        const struct rule_entry *entry = &set->entries[i];
        if (rule_pattern_meets(&entry->rule->definition.route, route)) {
            return takes_all(entry, route) ? entry->rule : NULL;
        }
    }
    return route->index ? set->index : NULL;
}

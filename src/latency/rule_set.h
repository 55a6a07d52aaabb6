/*
 * The rules in force: an immutable snapshot that workers read. The first rule that takes a request
 * decides; behind them, `/` has the rule that the options make.
 */
#pragma once

#include "latency/rule.h"

struct rule_entry {
    struct rule *rule; /* not owned */
    double share;      /* of the requests it is for; 1 or more: all */
};

struct rule_set {
    struct rule *index; /* of `/`, when no other takes the request; not owned */
    unsigned count;
    struct rule_entry entries[];
};

/* With entries. True with the rule that takes the request drawn; false when none does. */
bool rule_set_search(const struct rule_set *set, const struct request *request,
                     struct outcome *ret_outcome);

/*
 * What is to happen to a request for a public route, `index` when that is `/`. False when no rule
 * says anything: then nothing was written. Any thread.
 */
static inline bool rule_set_choose(const struct rule_set *set, bool index,
                                   const struct request *request, struct outcome *ret_outcome)
{
    if (UNLIKELY(set->count > 0) && rule_set_search(set, request, ret_outcome)) {
        return true;
    }
    if (index) {
        rule_draw(set->index, ret_outcome);
    }
    return index;
}

/* A route of the table: the paths that are equal to `path`, or begin with it. */
struct rule_route {
    struct span path;
    bool prefix;
    bool index; /* it is `/` */
};

/* Whether any path of the route matches. */
bool rule_pattern_meets(const struct rule_pattern *pattern, const struct rule_route *route);

/*
 * The one rule that takes all requests of a route; NULL when none does, or when it depends on the
 * request which one.
 */
const struct rule *rule_set_sole(const struct rule_set *set, const struct rule_route *route);

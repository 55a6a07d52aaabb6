/*
 * What is done to an answer on purpose beside its delay: another status, size or pace, a reset,
 * processor time. It is noted when the request begins and carried out when the answer is due; an
 * answer without effects does not come by here.
 */
#pragma once

#include "app/app.h"
#include "latency/outcome.h"

/* Who wanted what: the field `x-injected` and the content of errors say it. */
struct effect {
    struct outcome outcome;
    bool asked; /* by the request itself; else by a rule */
};

/* Whether the outcome is no more than a delay. */
static inline bool effect_is_none(const struct outcome *outcome)
{
    return (outcome->status | outcome->abort) == 0 && outcome->size == OUTCOME_OWN_SIZE &&
           (outcome->bytes_per_second | (uint64_t)(outcome->drip_ns | outcome->burn_ns)) == 0;
}

/* Notes it in front of what the route keeps. */
COLD void effect_begin(struct exchange *exchange, const struct effect *effect, struct buffer *keep);

/* The whole answer of an exchange with an effect. */
COLD void effect_respond(struct app_worker *worker, struct exchange *exchange,
                         struct response *response);

/*
 * Finishes a response whose fields are written, with the size and the pace that an effect wants in
 * the place of the plan's. For content that response_finish() has no room for.
 */
void effect_finish(struct app_worker *worker, struct response *response,
                   const struct content_plan *plan);

/* The content of a status that was asked for: `503 Service Unavailable: injected by a rule`. */
void effect_append_reason(struct buffer *buffer, unsigned status, bool asked);

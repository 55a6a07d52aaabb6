#include "app/asking.h"

#include "app/effect.h"

#include <errno.h>

void asking_refuse(struct exchange *exchange, struct buffer *keep, uint16_t status,
                   const char *reason)
{
    exchange->status = status;
    exchange->refused = true;
    exchange->delay_ns = ACCESS_DELAY_NONE;
    exchange->shaped = false;
    exchange->body_room = 0;
    *keep = buffer_over(keep->data, keep->capacity);
    buffer_append_span(keep, span_from_string(reason));
    buffer_append_byte(keep, '\n');
}

/* An ordinal of the requests that ask for something that is drawn. */
static uint64_t take_ordinal(struct app *app, const struct wish *wish)
{
    return wish_draws(wish)
               ? atomic_fetch_add_explicit(&app->next_asked_ordinal, 1, memory_order_relaxed)
               : 0;
}

bool asking_begin(struct app_worker *worker, struct exchange *exchange,
                  const struct request *request, struct buffer *keep)
{
    struct app *app = worker->app;
    const struct app_settings *settings = &app->settings;
    const struct route_entry *route = route_at(exchange->route);
    struct wish wish = {0};
    struct parse_error error = {0};
    int result = 0;
    if (route->ask != NULL) {
        result = route->ask(worker, request, &wish, &error);
    }
    if (result == 0 && settings->request_faults) {
        result = wish_add_request(&wish, request, &settings->wishes, &worker->laws, &error);
    }
    if (result != 0) {
        asking_refuse(exchange, keep, result == -ENOMEM ? 503 : 400, error.message);
        return false;
    }
    struct effect effect = {.outcome = OUTCOME_PLAIN};
    if (!wish_has(&wish, WISH_DELAY)) {
        /* A delay that was asked for is no draw of a rule, and is not counted as one. */
        app_choose(worker, exchange, request, &effect.outcome);
    }
    if (wish.asked != 0) {
        wish_apply(&wish, settings->seed_key, take_ordinal(app, &wish), &effect.outcome);
        effect.asked = (wish.asked & ~(1U << WISH_DELAY)) != 0;
    }
    exchange->delay_ns = effect.outcome.delay_ns;
    exchange->ordinal = effect.outcome.ordinal;
    exchange->drew = effect.outcome.drew;
    if (!effect_is_none(&effect.outcome)) {
        effect_begin(exchange, &effect, keep);
    }
    return true;
}

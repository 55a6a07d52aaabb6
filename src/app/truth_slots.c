#include "app/truth_slots.h"

#include "latency/rule_book.h"

#include <errno.h>
#include <unistd.h>

int app_truth_init(struct app_truth *truth)
{
    *truth = (struct app_truth){.started = truth_time_now()};
    for (unsigned route = 0; route < ROUTE_COUNT; route++) {
        if (route_at((enum route)route)->measured) {
            truth->route_of_slot[truth->route_slot_count] = (uint8_t)route;
            truth->slot_of_route[route] = (uint8_t)truth->route_slot_count++;
        }
    }
    truth->former_slot = truth->route_slot_count;
    truth->first_rule_slot = truth->former_slot + 1;
    truth->slot_count = truth->first_rule_slot + RULE_BOOK_SLOTS;
    _Static_assert(ROUTE_COUNT + 1 + RULE_BOOK_SLOTS <= UINT8_MAX, "exchange.rule is a byte");
    if (gethostname(truth->instance, INSTANCE_MAX_BYTES) != 0) {
        truth->instance[0] = '\0';
    }
    truth->truth = truth_new(truth->slot_count, truth->started);
    truth->scrapes = scrape_log_new();
    return truth->truth == NULL || truth->scrapes == NULL ? -ENOMEM : 0;
}

void app_truth_destroy(struct app_truth *truth)
{
    truth_free(truth->truth);
    scrape_log_free(truth->scrapes);
    *truth = (struct app_truth){0};
}

void app_truth_record(const struct app_truth *truth, struct truth_worker *worker,
                      const struct completion *completion)
{
    const struct exchange *exchange = completion->exchange;
    bool drawn = exchange->delay_ns != ACCESS_DELAY_NONE;
    unsigned slot = exchange->rule != RULE_BOOK_NO_SLOT ? exchange->rule
                                                        : truth->slot_of_route[exchange->route];
    truth_record(worker, slot, drawn ? exchange->delay_ns : TRUTH_NOT_DRAWN, exchange->waited_ns,
                 completion->completed_ns - exchange->started_ns);
}

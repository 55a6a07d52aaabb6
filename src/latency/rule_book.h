/*
 * The rules of a running server, and how they change: by a reload, by the scenario, or by hand.
 *
 * Workers look at an immutable set without a lock; who changes it makes another one, puts it in its
 * place, and frees the old one when no worker looks at it any more (base/grace). Each rule has a
 * slot of the truth. A rule that a change leaves as it is keeps its slot and goes on with its
 * ordinals; one that is changed is another rule, with a slot of its own, and begins at ordinal 0.
 * The slot of a rule that is no more is used again only when all slots are taken, the one that has
 * been out of force for longest first, and never while requests that it was drawn for are being
 * answered; its figures are then added to those of all former rules together.
 *
 * Where not said otherwise: any thread.
 */
#pragma once

#include "base/grace.h"
#include "latency/rule_program.h"
#include "latency/rule_set.h"
#include "latency/truth_answer.h"

#include <pthread.h>

#define RULE_BOOK_SLOTS 96
#define RULE_BOOK_NO_SLOT 0 /* the truth has something else there */

_Static_assert(RULE_BOOK_SLOTS > RULE_PROGRAM_MAX_RULES + 1, "a change needs slots to spare");

/* A worker's own. */
struct CACHE_ALIGNED rule_reader {
    struct grace_reader grace;
    _Atomic uint32_t in_flight[RULE_BOOK_SLOTS]; /* written by the worker alone */
};

struct rule_book_settings {
    struct truth *truth;       /* not owned */
    struct truth_time started; /* when the first rules come into force, and the scenario begins */
    uint64_t seed_key;
    unsigned first_slot;  /* above 0; RULE_BOOK_SLOTS of the truth's from there on are the book's */
    unsigned former_slot; /* of rules that are no more and whose slots were needed */
};

struct rule_book_slot {
    struct rule *rule; /* NULL: never used */
    bool kept;         /* a rule of the program, in force or in another phase */
    bool in_force;
    struct truth_time since; /* when it came into force, last */
    struct truth_time until; /* when it was no more; when in force, of no meaning */
};

struct rule_book {
    /* Read by all workers, written by changes. */
    struct CACHE_ALIGNED {
        struct grace grace;
        struct rule_set *_Atomic current;
    };
    CACHE_ALIGNED pthread_mutex_t lock; /* everything below */
    struct rule_book_settings settings;
    struct rule_program program;
    struct rule *rules[RULE_PROGRAM_MAX_RULES + 1]; /* the program's, by rule_program_at() */
    struct scenario_position position;
    struct truth_time scenario_began;
    struct rule_book_slot slots[RULE_BOOK_SLOTS];
    struct rule_reader *readers[TRUTH_MAX_WORKERS]; /* not owned */
    unsigned reader_count;
};

/*
 * Takes the program over, which is all zero afterwards, also when this fails; the scenario begins.
 * -ENOMEM; rule_book_destroy() in either case.
 */
WARN_UNUSED int rule_book_init(struct rule_book *book, const struct rule_book_settings *settings,
                               struct rule_program *program);

/* All workers have ended. All zero is allowed. */
void rule_book_destroy(struct rule_book *book);

/* Before the reader's thread is started. At most TRUTH_MAX_WORKERS. */
void rule_book_add_reader(struct rule_book *book, struct rule_reader *reader);

/*
 * Puts another program in the place of the one there is; takes it over, as above. The next request
 * is under the new one. A scenario that stays the same goes on. -ENOMEM, or -EBUSY when all slots
 * are those of rules for which requests are still being answered; then nothing changes.
 */
WARN_UNUSED int rule_book_load(struct rule_book *book, struct rule_program *program);

/*
 * Gives the rule of `/` another law, until the next rule_book_load(); the law stays the caller's.
 * The next request is under it. As rule_book_load(); not from within app_begin's choice itself.
 */
WARN_UNUSED int rule_book_set_law(struct rule_book *book, struct law *law);

/* Brings the scenario up to date. Returns when to call again, in monotonic time; INT64_MAX. */
int64_t rule_book_tick(struct rule_book *book, struct truth_time now);

/* A rule as somebody looks at it who does not hold the lock. */
struct rule_view {
    struct rule *rule; /* held */
    unsigned slot;     /* of the truth */
    bool in_force;
    struct truth_time since, until; /* as in rule_book_slot */
};

struct rule_views {
    unsigned count;
    struct rule_view list[RULE_BOOK_SLOTS]; /* those in force first, then by number */
};

/*
 * Asks the truth, and takes hold of the rules as they were at that moment, to be given back with
 * rule_book_release(). As truth_ask().
 */
WARN_UNUSED int rule_book_ask(struct rule_book *book, const struct truth_question *question,
                              struct truth_time now, struct truth_answer **ret_answer,
                              struct rule_views *ret_views);
void rule_book_release(struct rule_book *book, struct rule_views *views);

/* Makes a step of the series of the same truth, and takes hold of the rules as they were then. */
struct truth_series;
void rule_book_step(struct rule_book *book, struct truth_series *series,
                    struct rule_views *ret_views);

/* Takes hold of the rules as they are. */
void rule_book_hold(struct rule_book *book, struct rule_views *ret_views);

/* The set in force and the scenario, for `visit`, which must not come back to the book. */
typedef void rule_book_visit_function(void *context, const struct rule_set *set,
                                      const struct rule_program *program, unsigned phase);
void rule_book_visit(struct rule_book *book, rule_book_visit_function *visit, void *context);

/*
 * Chooses for a request to a public route, as rule_set_choose(). Where a rule takes it, the
 * outcome's `rule` must be given to rule_book_end() when the exchange is over. The reader's thread.
 */
static inline bool rule_book_choose(const struct rule_book *book, struct rule_reader *reader,
                                    bool index, const struct request *request,
                                    struct outcome *ret_outcome)
{
    grace_enter(&book->grace, &reader->grace);
    const struct rule_set *set = atomic_load_explicit(&book->current, memory_order_seq_cst);
    bool chosen = rule_set_choose(set, index, request, ret_outcome);
    if (chosen) {
        _Atomic uint32_t *in_flight =
            &reader->in_flight[ret_outcome->rule - book->settings.first_slot];
        atomic_store_explicit(in_flight, atomic_load_explicit(in_flight, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    }
    grace_leave(&reader->grace);
    return chosen;
}

/* The exchange that the rule of this slot of the truth was chosen for is over. The same thread. */
static inline void rule_book_end(const struct rule_book *book, struct rule_reader *reader,
                                 unsigned slot)
{
    _Atomic uint32_t *in_flight = &reader->in_flight[slot - book->settings.first_slot];
    atomic_store_explicit(in_flight, atomic_load_explicit(in_flight, memory_order_relaxed) - 1,
                          memory_order_release);
}

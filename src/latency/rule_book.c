#include "latency/rule_book.h"

#include "base/clock.h"
#include "latency/truth_series.h"

#include <errno.h>
#include <stdlib.h>

#define RETRY_NS NS_PER_S /* for a phase that memory was wanting for */

static void release_rule_locked(struct rule *rule)
{
    if (rule != NULL && --rule->owners == 0) {
        rule_definition_clear(&rule->definition);
        free(rule);
    }
}

static bool is_in_flight(const struct rule_book *book, unsigned slot)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < book->reader_count; i++) {
        sum += atomic_load_explicit(&book->readers[i]->in_flight[slot], memory_order_acquire);
    }
    return sum != 0;
}

/* A slot for one more rule, empty; NULL when there is none. */
static struct rule_book_slot *take_slot_locked(struct rule_book *book)
{
    struct rule_book_slot *oldest = NULL;
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        struct rule_book_slot *slot = &book->slots[i];
        if (slot->rule == NULL) {
            return slot;
        }
        if (!slot->kept && !is_in_flight(book, i) &&
            (oldest == NULL || slot->until.monotonic_ns < oldest->until.monotonic_ns)) {
            oldest = slot;
        }
    }
    if (oldest != NULL) {
        unsigned number = (unsigned)(oldest - book->slots);
        truth_restart_slot(book->settings.truth, book->settings.first_slot + number,
                           book->settings.former_slot);
        release_rule_locked(oldest->rule);
        *oldest = (struct rule_book_slot){0};
    }
    return oldest;
}

/* The rule for a definition: one that there is already, or a new one. */
static int assign_locked(struct rule_book *book, const struct rule_definition *definition,
                         struct rule_book_slot **ret_slot)
{
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        struct rule_book_slot *slot = &book->slots[i];
        if (slot->rule != NULL && rule_definition_equals(&slot->rule->definition, definition)) {
            *ret_slot = slot;
            slot->kept = true;
            return 0;
        }
    }
    struct rule *rule = aligned_alloc(_Alignof(struct rule), sizeof *rule);
    if (rule == NULL) {
        return -ENOMEM;
    }
    struct rule_book_slot *slot = take_slot_locked(book);
    if (slot == NULL) {
        free(rule);
        return -EBUSY;
    }
    struct rule_definition copy;
    rule_definition_copy(&copy, definition);
    rule_init(rule, &copy, book->settings.seed_key,
              book->settings.first_slot + (uint32_t)(slot - book->slots));
    *slot = (struct rule_book_slot){.rule = rule, .kept = true};
    *ret_slot = slot;
    return 0;
}

/* Rules that were made and never came into force leave no trace; the others are marked. */
static void mark_kept_locked(struct rule_book *book, struct rule *const *rules, unsigned count)
{
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        struct rule_book_slot *slot = &book->slots[i];
        slot->kept = false;
        for (unsigned k = 0; k < count; k++) {
            slot->kept |= slot->rule != NULL && slot->rule == rules[k];
        }
        bool never_used = slot->since.realtime_ns == 0 && slot->rule != NULL && !slot->kept;
        if (never_used) {
            release_rule_locked(slot->rule);
            *slot = (struct rule_book_slot){0};
        }
    }
}

static void add_entry(struct rule_set *set, const struct rule_program *program,
                      struct rule *const *rules, unsigned index, double factor)
{
    double share = decimal_value(rule_program_at(program, index)->share) * factor;
    if (share > 0) {
        set->entries[set->count++] = (struct rule_entry){.rule = rules[index], .share = share};
    }
}

static struct rule_set *make_set(const struct rule_program *program, struct rule *const *rules,
                                 const struct scenario_position *position)
{
    unsigned phase_rules =
        position->phase < program->phase_count ? program->phases[position->phase].rules.count : 0;
    struct rule_set *set =
        malloc(sizeof *set + (program->rules.count + phase_rules) * sizeof set->entries[0]);
    if (set == NULL) {
        return NULL;
    }
    *set = (struct rule_set){.index = rules[0]};
    for (unsigned i = 0; i < phase_rules; i++) {
        add_entry(set, program, rules, position->first + i, position->factor);
    }
    for (unsigned i = 0; i < program->rules.count; i++) {
        add_entry(set, program, rules, 1 + i, 1);
    }
    return set;
}

static bool set_has(const struct rule_set *set, const struct rule *rule)
{
    bool found = set->index == rule;
    for (unsigned i = 0; i < set->count; i++) {
        found |= set->entries[i].rule == rule;
    }
    return found;
}

/* From here on requests are under `set`; on return nobody looks at the one before. */
static void publish_locked(struct rule_book *book, struct rule_set *set, struct truth_time now)
{
    struct rule_set *before = atomic_exchange(&book->current, set);
    grace_pass_barriers(&book->grace);
    for (unsigned i = 0; i < book->reader_count; i++) {
        grace_wait(&book->readers[i]->grace);
    }
    free(before);
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        struct rule_book_slot *slot = &book->slots[i];
        bool in_force = slot->rule != NULL && set_has(set, slot->rule);
        if (in_force && !slot->in_force) {
            slot->since = now;
        } else if (!in_force && slot->in_force) {
            slot->until = now;
        }
        slot->in_force = in_force;
    }
}

/* Puts `program` in the place of the one there is, which the caller gets in exchange. */
static int replace_locked(struct rule_book *book, struct rule_program *program,
                          struct truth_time now)
{
    struct rule *rules[RULE_PROGRAM_MAX_RULES + 1] = {NULL};
    unsigned count = rule_program_count(program);
    ASSERT(count <= ARRAY_LENGTH(rules));
    int result = 0;
    for (unsigned i = 0; result == 0 && i < count; i++) {
        struct rule_book_slot *slot = NULL;
        result = assign_locked(book, rule_program_at(program, i), &slot);
        rules[i] = result == 0 ? slot->rule : NULL;
    }
    struct truth_time began =
        scenario_equals(&book->program, program) && book->scenario_began.realtime_ns != 0
            ? book->scenario_began
            : now;
    struct scenario_position position = scenario_at(program, now.monotonic_ns - began.monotonic_ns);
    struct rule_set *set = result == 0 ? make_set(program, rules, &position) : NULL;
    if (set == NULL) {
        mark_kept_locked(book, book->rules, ARRAY_LENGTH(book->rules));
        return result < 0 ? result : -ENOMEM;
    }
    memcpy(book->rules, rules, sizeof rules);
    book->scenario_began = began;
    book->position = position;
    struct rule_program before = book->program;
    book->program = *program;
    *program = before;
    publish_locked(book, set, now);
    mark_kept_locked(book, rules, count);
    return 0;
}

int rule_book_init(struct rule_book *book, const struct rule_book_settings *settings,
                   struct rule_program *program)
{
    *book = (struct rule_book){.settings = *settings};
    pthread_mutex_init(&book->lock, NULL);
    grace_init(&book->grace);
    int result = replace_locked(book, program, settings->started);
    rule_program_clear(program);
    return result;
}

void rule_book_destroy(struct rule_book *book)
{
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        release_rule_locked(book->slots[i].rule);
    }
    free(atomic_load(&book->current));
    rule_program_clear(&book->program);
    if (book->settings.truth != NULL) {
        pthread_mutex_destroy(&book->lock);
    }
    *book = (struct rule_book){0};
}

void rule_book_add_reader(struct rule_book *book, struct rule_reader *reader)
{
    pthread_mutex_lock(&book->lock);
    ASSERT(book->reader_count < ARRAY_LENGTH(book->readers));
    book->readers[book->reader_count++] = reader;
    pthread_mutex_unlock(&book->lock);
}

int rule_book_load(struct rule_book *book, struct rule_program *program)
{
    pthread_mutex_lock(&book->lock);
    int result = replace_locked(book, program, truth_time_now());
    pthread_mutex_unlock(&book->lock);
    rule_program_clear(program);
    return result;
}

int rule_book_set_law(struct rule_book *book, struct law *law)
{
    pthread_mutex_lock(&book->lock);
    struct rule_definition index;
    rule_definition_copy(&index, &book->program.index);
    law_free(index.delay);
    index.delay = law_hold(law);
    struct rule_book_slot *slot = NULL;
    int result = assign_locked(book, &index, &slot);
    struct rule *before = book->rules[0];
    if (result == 0) {
        book->rules[0] = slot->rule;
        struct rule_set *set = make_set(&book->program, book->rules, &book->position);
        result = set == NULL ? -ENOMEM : 0;
        if (set != NULL) {
            struct rule_definition old = book->program.index;
            book->program.index = index;
            index = old;
            publish_locked(book, set, truth_time_now());
        } else {
            book->rules[0] = before;
        }
    }
    mark_kept_locked(book, book->rules, ARRAY_LENGTH(book->rules));
    rule_definition_clear(&index);
    pthread_mutex_unlock(&book->lock);
    return result;
}

int64_t rule_book_tick(struct rule_book *book, struct truth_time now)
{
    int64_t next_ns = INT64_MAX;
    pthread_mutex_lock(&book->lock);
    int64_t began_ns = book->scenario_began.monotonic_ns;
    struct scenario_position position = scenario_at(&book->program, now.monotonic_ns - began_ns);
    if (position.changes_ns != INT64_MAX) {
        next_ns = began_ns + position.changes_ns;
    }
    if (position.phase != book->position.phase || position.factor != book->position.factor) {
        struct rule_set *set = make_set(&book->program, book->rules, &position);
        if (set == NULL) {
            next_ns = now.monotonic_ns + RETRY_NS;
        } else {
            book->position = position;
            publish_locked(book, set, now);
        }
    }
    pthread_mutex_unlock(&book->lock);
    return next_ns;
}

static int compare_views(const void *one, const void *other)
{
    const struct rule_view *a = one, *b = other;
    if (a->in_force != b->in_force) {
        return a->in_force ? -1 : 1;
    }
    uint32_t first = a->rule->definition.number, second = b->rule->definition.number;
    return first != second ? (first < second ? -1 : 1) : (a->slot < b->slot ? -1 : 1);
}

static void hold_locked(struct rule_book *book, struct rule_views *ret_views)
{
    ret_views->count = 0;
    for (unsigned i = 0; i < RULE_BOOK_SLOTS; i++) {
        const struct rule_book_slot *slot = &book->slots[i];
        if (slot->rule != NULL) {
            slot->rule->owners++;
            ret_views->list[ret_views->count++] = (struct rule_view){
                .rule = slot->rule,
                .slot = book->settings.first_slot + i,
                .in_force = slot->in_force,
                .since = slot->since,
                .until = slot->until,
            };
        }
    }
    qsort(ret_views->list, ret_views->count, sizeof ret_views->list[0], compare_views);
}

int rule_book_ask(struct rule_book *book, const struct truth_question *question,
                  struct truth_time now, struct truth_answer **ret_answer,
                  struct rule_views *ret_views)
{
    ret_views->count = 0;
    pthread_mutex_lock(&book->lock);
    int result = truth_ask(book->settings.truth, question, now, ret_answer);
    if (result == 0) {
        hold_locked(book, ret_views);
    }
    pthread_mutex_unlock(&book->lock);
    return result;
}

void rule_book_step(struct rule_book *book, struct truth_series *series,
                    struct rule_views *ret_views)
{
    pthread_mutex_lock(&book->lock);
    truth_series_step(series);
    hold_locked(book, ret_views);
    pthread_mutex_unlock(&book->lock);
}

void rule_book_hold(struct rule_book *book, struct rule_views *ret_views)
{
    pthread_mutex_lock(&book->lock);
    hold_locked(book, ret_views);
    pthread_mutex_unlock(&book->lock);
}

void rule_book_release(struct rule_book *book, struct rule_views *views)
{
    pthread_mutex_lock(&book->lock);
    for (unsigned i = 0; i < views->count; i++) {
        release_rule_locked(views->list[i].rule);
    }
    pthread_mutex_unlock(&book->lock);
    views->count = 0;
}

void rule_book_visit(struct rule_book *book, rule_book_visit_function *visit, void *context)
{
    pthread_mutex_lock(&book->lock);
    visit(context, atomic_load_explicit(&book->current, memory_order_relaxed), &book->program,
          book->position.phase);
    pthread_mutex_unlock(&book->lock);
}

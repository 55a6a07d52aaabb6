#include "app/ui_server.h"

#include "app/live_json.h"
#include "app/staging.h"
#include "base/places.h"
#include "http/response.h"

#include <stdlib.h>

/* A rule with all the masses of its law is the longest part. */
#define PART_BYTES ((size_t)81920)

enum step { STEP_HEAD, STEP_RULES, STEP_END };

struct server_answer {
    struct app *app;         /* not owned */
    struct rule_views views; /* held */
    unsigned next_view;
    enum step step;
    struct json_writer json;
    struct staging staging;
    char memory[PART_BYTES];
};

static _Atomic unsigned running_answers;

/* Those in force come first. */
static bool has_rule(const struct server_answer *answer)
{
    return answer->next_view < answer->views.count &&
           answer->views.list[answer->next_view].in_force;
}

/* One rule at a time: all the masses of many laws at once would keep a worker from its requests. */
static bool next_part(void *context, struct buffer *part)
{
    struct server_answer *answer = context;
    answer->json.out = part;
    if (answer->step == STEP_HEAD) {
        live_json_server_head(answer->app, &answer->json);
        answer->step = STEP_RULES;
    } else if (answer->step == STEP_RULES && has_rule(answer)) {
        live_json_server_rule(&answer->views.list[answer->next_view++], &answer->json);
    } else if (answer->step == STEP_RULES) {
        live_json_server_end(&answer->json);
        answer->step = STEP_END;
    } else {
        return false;
    }
    return true;
}

static ssize_t pull_answer(void *context, char *memory, size_t capacity, struct content_pace *pace)
{
    (void)pace;
    struct server_answer *answer = context;
    return staging_pull(&answer->staging, next_part, answer, memory, capacity);
}

static void close_answer(void *context, bool whole)
{
    (void)whole;
    struct server_answer *answer = context;
    rule_book_release(&answer->app->rules, &answer->views);
    free(answer);
    places_give(&running_answers);
}

static struct server_answer *start_answer(struct app *app)
{
    if (!places_take(&running_answers, UI_SERVER_MAX_ANSWERS)) {
        return NULL;
    }
    struct server_answer *answer = malloc(sizeof *answer);
    if (answer == NULL) {
        places_give(&running_answers);
        return NULL;
    }
    answer->app = app;
    answer->next_view = 0;
    answer->step = STEP_HEAD;
    answer->json = (struct json_writer){0};
    answer->staging = staging_over(answer->memory, sizeof answer->memory);
    rule_book_hold(&app->rules, &answer->views);
    return answer;
}

void ui_server_respond(struct app *app, struct exchange *exchange, struct response *response)
{
    struct server_answer *answer = start_answer(app);
    if (answer == NULL) {
        exchange->status = 503;
        response_plain_text(response, SPAN("too many of these at once, or no memory for one\n"));
        return;
    }
    response_start(response);
    response_field(response, SPAN("content-type"), SPAN("application/json"));
    response_field(response, SPAN("cache-control"), SPAN("no-store"));
    response_finish_with_source(
        response,
        (struct content_source){.pull = pull_answer, .close = close_answer, .context = answer});
}

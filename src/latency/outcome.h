/*
 * What is to happen to one request: what its rule drew, changed by what the request asked for
 * itself. All zero but `delay_ns` and `size` (see OUTCOME_PLAIN) is the plain answer of its route.
 */
#pragma once

#include "http/access_record.h"

#include <stdbool.h>
#include <stdint.h>

/* Where an answer is cut by a reset of its connection. */
enum outcome_abort {
    OUTCOME_ABORT_NONE,
    OUTCOME_ABORT_BEFORE, /* before its first byte */
    OUTCOME_ABORT_HEAD,   /* in the middle of its head */
    OUTCOME_ABORT_BODY,   /* behind its head, before its content is whole */
};

#define OUTCOME_NO_DELAY ACCESS_DELAY_NONE
#define OUTCOME_OWN_SIZE UINT64_MAX

struct outcome {
    int64_t delay_ns;          /* OUTCOME_NO_DELAY: none was asked for */
    uint64_t ordinal;          /* of the draw; 0 when nothing needed to be drawn */
    uint64_t size;             /* bytes of content; OUTCOME_OWN_SIZE: the route's own */
    uint64_t bytes_per_second; /* the most that content is sent at; 0: no limit */
    int64_t drip_ns;           /* the time that content is spread over; 0: sent at once */
    int64_t burn_ns;           /* CPU time to use up before the answer */
    uint32_t rule;             /* number of the rule; its slot in the truth */
    uint16_t status;           /* 0: the route's own */
    uint8_t abort;             /* enum outcome_abort */
    bool drew;                 /* `ordinal` is that of a draw */
};

#define OUTCOME_PLAIN ((struct outcome){.delay_ns = OUTCOME_NO_DELAY, .size = OUTCOME_OWN_SIZE})

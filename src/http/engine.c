#include "http/engine.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/reserve.h"
#include "http/connection.h"

#include <errno.h>
#include <unistd.h>

/* Connections accepted in one turn, so that a flood of them does not starve those that are open. */
#define ACCEPT_BATCH 64
/* Out of descriptors or memory: nothing tells when there are some again, so it is tried. */
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS)
/* How long a connection that has not asked anything yet may take to, once draining has started. */
#define FIRST_REQUEST_GRACE_NS (500 * NS_PER_MS)
/* Connections accepted once draining has started: a full queue of a listener (net/listener.c). */
#define MAX_DRAIN_ACCEPTS 4096

const char *connection_state_name(enum connection_state state)
{
    static const char *const names[CONNECTION_STATE_COUNT] = {
        [CONNECTION_FREE] = "free",         [CONNECTION_IDLE] = "idle",
        [CONNECTION_HEAD] = "reading_head", [CONNECTION_BODY] = "reading_body",
        [CONNECTION_WAITING] = "waiting",   [CONNECTION_WRITING] = "writing",
        [CONNECTION_PAUSED] = "paused",     [CONNECTION_LINGERING] = "lingering",
    };
    return names[state];
}

const char *close_reason_name(enum close_reason reason)
{
    static const char *const names[CLOSE_REASON_COUNT] = {
        [CLOSE_CLIENT] = "client",
        [CLOSE_COMPLETE] = "complete",
        [CLOSE_IDLE_TIMEOUT] = "idle_timeout",
        [CLOSE_HEAD_TIMEOUT] = "head_timeout",
        [CLOSE_BODY_TIMEOUT] = "body_timeout",
        [CLOSE_WRITE_TIMEOUT] = "write_timeout",
        [CLOSE_BAD_REQUEST] = "bad_request",
        [CLOSE_MEMORY] = "memory",
        [CLOSE_CONTENT_FAILED] = "content_failed",
        [CLOSE_FAULT] = "fault",
        [CLOSE_DRAIN] = "drain",
        [CLOSE_CUT_OFF] = "cut_off",
    };
    return names[reason];
}

static int reserve_buffers(struct engine *engine)
{
    /* Chunk framing is written around content in `keep`: a little more than it is said to have. */
    engine->input = reserve_memory(ENGINE_IO_BYTES);
    engine->keep = reserve_memory(ENGINE_IO_BYTES + 64);
    char *output = reserve_memory(ENGINE_IO_BYTES);
    engine->batch = reserve_memory(ENGINE_MAX_BATCH * sizeof *engine->batch);
    engine->output = buffer_over(output, output == NULL ? 0 : ENGINE_IO_BYTES);
    bool all =
        engine->input != NULL && engine->keep != NULL && output != NULL && engine->batch != NULL;
    return all ? 0 : -ENOMEM;
}

int engine_init(struct engine *engine, const struct engine_settings *settings,
                const struct application *application)
{
    ASSERT(settings->max_head_bytes <= ENGINE_MAX_HEAD_LIMIT);
    *engine = (struct engine){
        .settings = *settings,
        .application = *application,
        .now_ns = clock_monotonic_ns(),
        .accepting = true,
        .loop = {.epoll_fd = -1, .timer_fd = -1, .wake_fd = -1},
    };
    response_clock_update(&engine->clock, engine->now_ns);
    int error = loop_init(&engine->loop);
    if (error == 0) {
        error =
            slab_init(&engine->connections, sizeof(struct connection), settings->max_connections);
    }
    if (error == 0) {
        error = timer_heap_init(&engine->delays, settings->max_connections);
    }
    if (error == 0) {
        error = timeout_wheel_init(&engine->timeouts, settings->max_connections, engine->now_ns);
    }
    if (error == 0) {
        error = block_pool_init(&engine->held, settings->max_held_bytes);
    }
    if (error == 0) {
        error = reserve_buffers(engine);
    }
    if (error != 0) {
        engine_destroy(engine);
    }
    return error;
}

/* Calls `visit` for every open connection; it may close the one it is called for. */
static void for_each_connection(struct engine *engine,
                                void (*visit)(struct engine *, struct connection *))
{
    for (uint32_t index = 0; index < engine->connections.touched; index++) {
        struct connection *connection = connection_at(engine, index);
        if (connection_is_open(connection)) {
            visit(engine, connection);
        }
    }
}

static void cut_off(struct engine *engine, struct connection *connection)
{
    connection_abandon(engine, connection, CLOSE_CUT_OFF);
}

static void close_listeners(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->listener_count; i++) {
        close(engine->listeners[i].fd);
    }
    engine->listener_count = 0;
}

void engine_destroy(struct engine *engine)
{
    close_listeners(engine);
    for_each_connection(engine, cut_off);
    loop_destroy(&engine->loop);
    slab_destroy(&engine->connections);
    timer_heap_destroy(&engine->delays);
    timeout_wheel_destroy(&engine->timeouts);
    block_pool_destroy(&engine->held);
    reserve_free(engine->input, ENGINE_IO_BYTES);
    reserve_free(engine->keep, ENGINE_IO_BYTES + 64);
    reserve_free(engine->output.data, ENGINE_IO_BYTES);
    reserve_free(engine->batch, ENGINE_MAX_BATCH * sizeof *engine->batch);
}

int engine_add_listener(struct engine *engine, int fd, enum surface surface)
{
    uint32_t index = engine->listener_count;
    int error = -ENOSPC;
    if (index < ENGINE_MAX_LISTENERS) {
        error = loop_add(&engine->loop, fd, EPOLLIN, loop_token(EVENT_LISTENER, 0, index));
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    engine->listeners[engine->listener_count++] =
        (struct listening_socket){.fd = fd, .surface = (uint8_t)surface};
    return 0;
}

static void pause_accepting(struct engine *engine)
{
    if (!engine->accepting) {
        return;
    }
    engine->accepting = false;
    engine_count(&engine->accept_pauses, 1);
    for (uint32_t i = 0; i < engine->listener_count; i++) {
        loop_modify(&engine->loop, engine->listeners[i].fd, 0, loop_token(EVENT_LISTENER, 0, i));
    }
}

static void resume_accepting(struct engine *engine)
{
    bool room = engine->connections.in_use < engine->connections.capacity;
    if (engine->accepting || engine->listener_count == 0 || !room ||
        engine->now_ns < engine->accept_resume_ns) {
        return;
    }
    engine->accepting = true;
    for (uint32_t i = 0; i < engine->listener_count; i++) {
        loop_modify(&engine->loop, engine->listeners[i].fd, EPOLLIN,
                    loop_token(EVENT_LISTENER, 0, i));
    }
}

/* Accepts one connection. False when there is none to accept now. */
static bool accept_one(struct engine *engine, const struct listening_socket *listener)
{
    if (engine->connections.in_use == engine->connections.capacity) {
        pause_accepting(engine);
        return false;
    }
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        engine_count(&engine->accepted, 1);
        connection_open(engine, fd, (enum surface)listener->surface, &address);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        /* Those that wait stay in the queue. */
        engine_count(&engine->accept_failures, 1);
        engine->accept_resume_ns = engine->now_ns + ACCEPT_PAUSE_NS;
        pause_accepting(engine);
        return false;
    default:
        /* That connection failed before it was accepted (accept(2), "Error handling"). */
        engine_count(&engine->accept_failures, errno == EINTR ? 0 : 1);
        return true;
    }
}

static void run_delays(struct engine *engine)
{
    uint32_t index = 0;
    while (timer_heap_pop_due(&engine->delays, engine->now_ns, &index)) {
        connection_due(engine, connection_at(engine, index));
    }
}

static int64_t ask_timeout(void *context, uint32_t index, int64_t now_ns)
{
    struct engine *engine = context;
    struct connection *connection = connection_at(engine, index);
    if (connection->deadline_ns > now_ns) {
        return connection->deadline_ns;
    }
    connection->deadline_ns = INT64_MAX;
    connection_timed_out(engine, connection);
    return INT64_MAX;
}

static void dispatch(struct engine *engine, const struct epoll_event *event)
{
    uint32_t index = loop_token_index(event->data.u64);
    switch (loop_token_kind(event->data.u64)) {
    case EVENT_CONNECTION: {
        struct connection *connection = connection_at(engine, index);
        uint32_t generation = connection->generation & 0xffffff;
        if (connection_is_open(connection) &&
            generation == loop_token_generation(event->data.u64)) {
            connection_event(engine, connection, event->events);
        }
        break;
    }
    case EVENT_LISTENER:
        for (unsigned i = 0; i < ACCEPT_BATCH && engine->accepting; i++) {
            if (!accept_one(engine, &engine->listeners[index])) {
                break;
            }
        }
        break;
    default:
        break; /* the timer and the wake-up have done their work by ending the wait */
    }
}

static bool is_requested(const _Atomic bool *flag)
{
    return atomic_load_explicit(flag, memory_order_relaxed);
}

/* Takes what was sent before the close into account: reads, and closes what is idle then. */
static void drain_connection(struct engine *engine, struct connection *connection)
{
    if (connection->state == CONNECTION_PAUSED) {
        timer_heap_remove(&engine->delays, connection_index(engine, connection));
        connection_send_content(engine, connection); /* content without an end ends here */
        return;
    }
    if (connection->state != CONNECTION_IDLE && connection->state != CONNECTION_HEAD) {
        return;
    }
    connection_read(engine, connection);
    bool idle = connection->state == CONNECTION_IDLE || connection->state == CONNECTION_HEAD;
    if (connection->state == CONNECTION_IDLE && !connection->has_answered) {
        /* Its first request is on its way: whoever connects, asks. It gets a moment for that. */
        connection_set_timeout(engine, connection, FIRST_REQUEST_GRACE_NS);
        return;
    }
    /* With more to read it stays open: the loop goes on reading, and connection_settle closes. */
    if (idle && !connection_has_another_request(connection, SPAN(""))) {
        connection_close(engine, connection, CLOSE_DRAIN);
    }
}

/*
 * Closing a listener resets the connections in its queue: so the queue is emptied first. At the
 * limit of connections that takes until some are closed; for no more than a full queue, or those
 * who come meanwhile could keep it from ever being empty.
 */
static void drain_queues(struct engine *engine)
{
    bool empty = true;
    for (uint32_t i = 0; i < engine->listener_count; i++) {
        while (engine->accepting && engine->drain_accepts > 0 &&
               accept_one(engine, &engine->listeners[i])) {
            engine->drain_accepts--;
        }
        empty &= engine->accepting;
    }
    if (empty || engine->drain_accepts == 0) {
        engine->accepting = false;
        close_listeners(engine);
    }
    for_each_connection(engine, drain_connection);
}

/* True when this turn is the first that drains: what is answered from here on may be the last. */
static bool start_draining(struct engine *engine)
{
    if (LIKELY(engine->draining || !is_requested(&engine->drain_requested))) {
        return false;
    }
    engine->draining = true;
    engine->drain_accepts = MAX_DRAIN_ACCEPTS;
    return true;
}

/* The earliest of `deadline_ns`, when to wake up for the next delay, and all others. */
static int64_t next_deadline_ns(const struct engine *engine, int64_t deadline_ns)
{
    int64_t timeout_ns = timeout_wheel_next_ns(&engine->timeouts);
    deadline_ns = timeout_ns < deadline_ns ? timeout_ns : deadline_ns;
    if (!engine->accepting && engine->accept_resume_ns < deadline_ns &&
        engine->accept_resume_ns > engine->now_ns) {
        deadline_ns = engine->accept_resume_ns;
    }
    return deadline_ns;
}

/*
 * Sleeping costs the time to be woken up. Who wants delays to end closer to their time has the loop
 * look for events again and again before that: all others are served meanwhile as they come.
 */
static int wait_for_events(struct engine *engine)
{
    int64_t due_ns = timer_heap_earliest_ns(&engine->delays);
    int64_t busy_poll_ns = engine->settings.busy_poll_ns;
    if (due_ns - engine->now_ns < busy_poll_ns) {
        return loop_poll(&engine->loop);
    }
    int64_t wake_ns = due_ns == INT64_MAX ? INT64_MAX : due_ns - busy_poll_ns;
    loop_set_deadline(&engine->loop, next_deadline_ns(engine, wake_ns));
    return loop_wait(&engine->loop);
}

static uint64_t count_unfinished(const struct engine *engine)
{
    uint64_t count = 0;
    for (uint32_t index = 0; index < engine->connections.touched; index++) {
        const struct connection *connection = connection_at(engine, index);
        if (connection_is_open(connection)) {
            count += connection->exchange != NULL;
            if (connection->unsent != NULL) {
                count += connection->unsent->count - connection->unsent->next;
            }
        }
    }
    return count;
}

bool engine_turn(struct engine *engine, uint64_t *ret_cut_off)
{
    int64_t before_wait_ns = engine->now_ns;
    int count = wait_for_events(engine);
    engine->now_ns = clock_monotonic_ns();
    response_clock_update(&engine->clock, engine->now_ns);
    bool drain_starts = start_draining(engine);
    /* Delays first: they are what this server promises to keep. */
    run_delays(engine);
    if (UNLIKELY(drain_starts)) {
        drain_queues(engine);
    }
    for (int i = 0; i < count; i++) {
        dispatch(engine, &engine->loop.events[i]);
    }
    /* Timeouts last, and by the time before the wait: what had come by then was handled above. So a
       process that was stopped, wherever that was, cuts nobody off for it. */
    timeout_wheel_run(&engine->timeouts, before_wait_ns, ask_timeout, engine);
    resume_accepting(engine);
    *ret_cut_off = 0;
    if (UNLIKELY(is_requested(&engine->stop_requested))) {
        *ret_cut_off = count_unfinished(engine);
        /* Here and not at the end of all: there is still an access log that takes them. */
        for_each_connection(engine, cut_off);
        return false;
    }
    if (UNLIKELY(engine->draining)) {
        if (engine->listener_count > 0 && engine->accepting) {
            drain_queues(engine);
        }
        return engine->connections.in_use > 0 || engine->listener_count > 0;
    }
    return true;
}

uint64_t engine_run(struct engine *engine)
{
    uint64_t cut_off = 0;
    while (engine_turn(engine, &cut_off)) {
    }
    return cut_off;
}

void engine_request_drain(struct engine *engine)
{
    atomic_store(&engine->drain_requested, true);
    loop_wake(&engine->loop);
}

void engine_request_stop(struct engine *engine)
{
    atomic_store(&engine->stop_requested, true);
    loop_wake(&engine->loop);
}

/*
 * Any bytes, in any cuts, over two connections to an engine with a fake application, driven turn by
 * turn. Answers are well-formed and in the order of the requests; what was counted as sent arrives;
 * nothing is held at the end.
 *
 * The first byte chooses limits, the second the number of steps; steps follow, then what the
 * clients send. A step chooses who does what; the steps are gone through again and again until
 * everything is sent.
 */
#include "../../unit/http/answer_reader.h"
#include "../../unit/http/fake_application.h"
#include "base/clock.h"
#include "http/connection.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 2
#define CLIENT_BYTES ((size_t)1 << 20)
#define MAX_BEGUN 1024
#define LONG_NS (600 * NS_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_client {
    int fd;
    size_t length; /* bytes received */
    bool ended;
    bool reset;
    bool sending_over;
    char begun[MAX_BEGUN][FAKE_TARGET_BYTES]; /* what its answers must have in x-target */
    unsigned begun_count;
    unsigned answered_count; /* completed, and not as cut off */
    unsigned completed_count;
};

static struct fuzz_client clients[CLIENTS];
static char received[CLIENTS][CLIENT_BYTES];
static char decoded_memory[CLIENT_BYTES];
static struct engine engine;
static struct fake_application fake;

/* The port of the peer is the client's number. */
static struct fuzz_client *client_of(const struct exchange *exchange)
{
    ASSERT(exchange->client.port < CLIENTS);
    return &clients[exchange->client.port];
}

static void begin(void *context, struct exchange *exchange, const struct request *request,
                  struct buffer *keep)
{
    ASSERT(keep->length == 0);
    fake_begin(context, exchange, request, keep);
    struct fuzz_client *client = client_of(exchange);
    if (client->begun_count < MAX_BEGUN) {
        char *target = client->begun[client->begun_count];
        memset(target, 0, FAKE_TARGET_BYTES);
        size_t length = keep->length;
        memcpy(target, keep->data, length < FAKE_TARGET_BYTES ? length : FAKE_TARGET_BYTES - 1);
    }
    client->begun_count++;
}

static void complete(void *context, const struct completion *completion)
{
    struct fuzz_client *client = client_of(completion->exchange);
    client->completed_count++;
    uint16_t status = completion->exchange->status;
    client->answered_count += status != 499 && status != 444;
    fake_complete(context, completion);
}

static void open_engine(uint8_t choice)
{
    static const size_t head_limits[] = {64, 300, 4096, ENGINE_MAX_HEAD_LIMIT};
    struct engine_settings settings = {
        .max_connections = CLIENTS,
        .max_head_bytes = head_limits[choice & 3],
        .max_body_bytes = (choice & 4) != 0 ? 20 : 100000,
        .max_held_bytes = (choice & 8) != 0 ? BLOCK_POOL_CHUNK_BYTES : 16 * BLOCK_POOL_CHUNK_BYTES,
        .idle_timeout_ns = LONG_NS,
        .head_timeout_ns = LONG_NS,
        .body_timeout_ns = LONG_NS,
        .write_timeout_ns = LONG_NS,
    };
    memset(&fake, 0, sizeof fake);
    struct application application = {&fake, begin, fake_respond, complete};
    int error = engine_init(&engine, &settings, &application);
    ASSERT(error == 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        memset(&clients[i], 0, offsetof(struct fuzz_client, begun));
        clients[i].begun_count = clients[i].answered_count = clients[i].completed_count = 0;
        int fds[2];
        error = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
        ASSERT(error == 0);
        int least = 1;
        if ((choice & 16) != 0) {
            (void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
        }
        struct sockaddr_storage address = {0};
        struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)i)};
        memcpy(&address, &peer, sizeof peer);
        connection_open(&engine, fds[0], SURFACE_PUBLIC, &address);
        clients[i].fd = fds[1];
    }
}

static bool turn(void)
{
    loop_wake(&engine.loop); /* it never waits */
    uint64_t cut_off = 0;
    bool running = engine_turn(&engine, &cut_off);
    ASSERT(engine.batch_count == 0 && engine.output.length == 0);
    ASSERT(engine.delays.count ==
           engine.states[CONNECTION_WAITING] + engine.states[CONNECTION_PAUSED]);
    return running;
}

static void receive(struct fuzz_client *client, size_t most)
{
    char *memory = received[client - clients];
    size_t room = CLIENT_BYTES - client->length;
    most = most < room ? most : room;
    while (client->fd >= 0 && !client->ended && most > 0) {
        ssize_t got = recv(client->fd, memory + client->length, most, 0);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        client->ended = got <= 0;
        client->reset |= got < 0;
        client->length += got > 0 ? (size_t)got : 0;
        most -= got > 0 ? (size_t)got : 0;
    }
}

/* Sends up to `most` bytes of what is left. */
static void send_some(struct fuzz_client *client, struct span *left, size_t most)
{
    size_t length = left->length < most ? left->length : most;
    if (client->fd < 0 || client->sending_over || client->ended) {
        *left = span_after(*left, length); /* nobody sends it any more */
        return;
    }
    ssize_t sent = send(client->fd, left->data, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        client->sending_over = true;
    }
    *left = span_after(*left, sent > 0 ? (size_t)sent : 0);
}

/* As if the earliest delay or pause were over. */
static void let_a_delay_end(void)
{
    uint32_t index = 0;
    for (size_t i = 0; i < FAKE_MAX_SOURCES; i++) {
        fake.sources[i].due_ns = 0;
    }
    if (timer_heap_pop_due(&engine.delays, INT64_MAX, &index)) {
        connection_due(&engine, connection_at(&engine, index));
    }
}

/* As if the timeout of a connection were over. */
static void let_time_out(uint32_t index)
{
    if (index >= engine.connections.touched) {
        return;
    }
    struct connection *connection = connection_at(&engine, index);
    if (connection_is_open(connection) && connection->deadline_ns != INT64_MAX) {
        connection->deadline_ns = INT64_MAX;
        connection_timed_out(&engine, connection);
    }
}

static bool take_step(uint8_t step, struct span *left)
{
    struct fuzz_client *client = &clients[step & 1];
    size_t amount = (size_t)1 << (step >> 4);
    switch (step >> 1 & 7) {
    case 0:
    case 1:
        send_some(client, left, amount == 32768 ? 100000 : amount);
        return true;
    case 2:
        receive(client, amount);
        return true;
    case 3:
    case 4:
        return turn();
    case 5:
        let_a_delay_end();
        return true;
    case 6:
        send_some(client, left, amount);
        return turn();
    default:
        break;
    }
    switch (step >> 4) {
    case 0:
        let_time_out(step & 1);
        break;
    case 1:
        client->sending_over |= client->fd >= 0 && shutdown(client->fd, SHUT_WR) == 0;
        break;
    case 2:
        if (client->fd >= 0) {
            receive(client, CLIENT_BYTES);
            close(client->fd);
            client->fd = -1;
        }
        break;
    case 3:
        engine_request_drain(&engine);
        break;
    default:
        return turn();
    }
    return true;
}

/* Goes on until nothing happens any more. Clients take all, or as much as is kept. */
static void finish(bool running)
{
    for (unsigned quiet = 0; running && quiet < 4; quiet++) {
        size_t before = clients[0].length + clients[1].length;
        unsigned completed = fake.completed_count;
        running = turn();
        for (unsigned i = 0; i < CLIENTS; i++) {
            receive(&clients[i], CLIENT_BYTES);
        }
        if (clients[0].length + clients[1].length != before || fake.completed_count != completed) {
            quiet = 0;
        }
        if (quiet == 2) {
            let_a_delay_end();
        }
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        receive(&clients[i], CLIENT_BYTES); /* a drained engine has closed behind it */
    }
}

/* The content that the target asked for. */
static void check_content(const struct answer *answer, struct span target, bool is_head)
{
    if (is_head || answer->status != 200 || !fake_has(target, "stream=")) {
        return;
    }
    ASSERT(answer->content.length <= fake_number(target, "stream=", 10000000, 0));
    for (size_t i = 0; i < answer->content.length; i++) {
        ASSERT(answer->content.data[i] == fake_content_byte(i));
    }
}

/* Reads the answers that a client has received. Returns how many are whole, without 1xx. */
static unsigned check_answers(const struct fuzz_client *client)
{
    struct span input = span_of(received[client - clients], client->length);
    struct buffer decoded = buffer_over(decoded_memory, sizeof decoded_memory);
    unsigned whole = 0, ours = 0;
    bool last = false;
    while (input.length > 0) {
        const char *end = memmem(input.data, input.length, "\r\n\r\n", 4);
        if (end == NULL) {
            break;
        }
        struct answer head = {.head = span_of(input.data, (size_t)(end - input.data) + 4)};
        struct span target = answer_field(&head, "x-target");
        bool is_head = span_equals(answer_field(&head, "x-method"), SPAN("HEAD"));
        ASSERT(!last);
        struct answer answer;
        if (!answer_read(input, is_head, client->ended, &decoded, &answer)) {
            /* An answer of the engine's own to a HEAD has a length and no content. */
            bool own = target.data == NULL && answer.bytes == input.length && client->ended;
            whole += own;
            ASSERT(!own || answer.closes);
            return whole;
        }
        input = span_after(input, answer.bytes);
        if (answer.status < 200) {
            ASSERT(answer.status == 100);
            continue;
        }
        whole++;
        last = answer.closes;
        if (target.data == NULL) {
            ASSERT(answer.closes && answer.status >= 400);
            continue;
        }
        ASSERT(ours < client->begun_count);
        if (ours < MAX_BEGUN) {
            ASSERT(span_equals(target, span_trim(span_from_string(client->begun[ours]))));
        }
        ours++;
        check_content(&answer, target, is_head);
    }
    return whole;
}

static void close_all(bool running)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (clients[i].fd >= 0) {
            close(clients[i].fd);
            clients[i].fd = -1;
        }
    }
    for (unsigned turns = 0; running && engine.connections.in_use > 0; turns++) {
        ASSERT(turns < 10000);
        let_a_delay_end();
        running = turn();
    }
    ASSERT(engine.connections.in_use == 0);
    ASSERT(engine.held.chunks_in_use == 0);
    ASSERT(engine.delays.count == 0 && engine.timeouts.count == 0);
    for (unsigned state = CONNECTION_FREE + 1; state < CONNECTION_STATE_COUNT; state++) {
        ASSERT(engine.states[state] == 0);
    }
    ASSERT(fake.sources_opened == fake.sources_closed_whole + fake.sources_closed_cut);
    for (unsigned i = 0; i < CLIENTS; i++) {
        /* Each request ends once; one more of a connection may end without having begun. */
        ASSERT(clients[i].completed_count >= clients[i].begun_count);
        ASSERT(clients[i].completed_count <= clients[i].begun_count + 1);
    }
    engine_destroy(&engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || (size_t)data[1] + 3 > size) {
        return 0;
    }
    size_t steps = (size_t)data[1] + 1;
    const uint8_t *step = data + 2;
    struct span left = span_of((const char *)data + 2 + steps, size - 2 - steps);
    open_engine(data[0]);
    bool running = true;
    for (unsigned count = 0; running && count < 4096 && (count < steps || left.length > 0);
         count++) {
        running = take_step(step[count % steps], &left);
    }
    finish(running);
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct fuzz_client *client = &clients[i];
        unsigned whole = check_answers(client);
        if (client->fd >= 0 && !client->reset && client->length < CLIENT_BYTES) {
            ASSERT(whole >= client->answered_count);
        }
    }
    close_all(running);
    return 0;
}

#include "engine_harness.h"

static void one_request_gets_one_answer(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    assert_int_equal(harness_in_state(harness, CONNECTION_IDLE), 1);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_talk(harness, client);
    assert_answer_to(client, "/a");
    assert_int_equal(client_unread(client), 0);
    assert_completed(harness, 0, "/a", 200);
    assert_int_equal(harness->fake.completed_count, 1);
    assert_int_equal(harness->fake.completed[0].content_bytes, 2);
    assert_int_equal(harness_in_state(harness, CONNECTION_IDLE), 1);
    assert_nothing_held(harness);
    client_close(client);
    harness_settle(harness);
    assert_int_equal(harness_closed(harness, CLOSE_CLIENT), 1);
    harness_close(harness);
}

/* More than fit into one batch, and more than fit into one read. */
static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    const unsigned count = 3000;
    static char requests[3000 * 40];
    size_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        length += (size_t)snprintf(requests + length, sizeof requests - length,
                                   "GET /%u HTTP/1.1\r\nHost: h\r\n\r\n", i);
    }
    assert_true(length > ENGINE_IO_BYTES);
    client_send(client, requests, length);
    harness_talk(harness, client);
    for (unsigned i = 0; i < count; i++) {
        char target[16];
        snprintf(target, sizeof target, "/%u", i);
        assert_answer_to(client, target);
    }
    assert_int_equal(harness->fake.completed_count, count);
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

static void a_head_that_comes_again_is_not_parsed_again(void **state)
{
    (void)state;
    static const char again[] = "GET /again HTTP/1.1\r\nHost: h\r\n\r\n";
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    const unsigned count = 3 * HEAD_MEMO_PATIENCE;
    for (unsigned i = 0; i < count; i++) {
        client_say(client, again);
        harness_talk(harness, client);
        assert_answer_to(client, "/again");
        memset(&harness->engine.request, 0xff, sizeof harness->engine.request);
    }
    assert_int_equal(harness->engine.request.field_count,
                     UINT32_MAX); /* the parser wrote nothing */
    client_say(client, "GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    client_say(client, again);
    harness_talk(harness, client);
    assert_answer_to(client, "/other");
    assert_answer_to(client, "/again");
    assert_int_equal(harness->engine.request.field_count, 1);
    client_close(client);
    harness_close(harness);
}

/* What is told about an answer has texts of the head it was for, though others came meanwhile. */
static void a_remembered_head_stays_while_an_answer_to_it_is_in_the_batch(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    const unsigned before = HEAD_MEMO_PATIENCE, others = HEAD_MEMO_PATIENCE + 1;
    char requests[4096];
    size_t length = 0;
    for (unsigned i = 0; i < before; i++) {
        client_say(client, "GET /known HTTP/1.1\r\nHost: h\r\n\r\n");
        harness_talk(harness, client);
    }
    for (unsigned i = 0; i <= others; i++) {
        length +=
            (size_t)snprintf(requests + length, sizeof requests - length,
                             "GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", i == 0 ? "known" : "other");
    }
    assert_true(others + 1 <= ENGINE_MAX_BATCH);
    client_send(client, requests, length);
    harness_talk(harness, client);
    assert_completed(harness, before, "/known", 200);
    for (unsigned i = 1; i <= others; i++) {
        assert_completed(harness, before + i, "/other", 200);
    }
    client_close(client);
    harness_close(harness);
}

/* A packet a system call: only there to count them. */
static struct client *connect_counting_sends(struct harness *harness)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    connection_open(&harness->engine, fds[0], SURFACE_PUBLIC, &address);
    return client_of(fds[1]);
}

static void answers_that_are_ready_leave_in_one_system_call(void **state)
{
    (void)state;
    static const struct {
        unsigned requests;
        unsigned sends;
    } cases[] = {{1, 1}, {2, 1}, {16, 1}, {ENGINE_MAX_BATCH, 1}, {ENGINE_MAX_BATCH + 1, 2}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = connect_counting_sends(harness);
        char requests[4096] = "";
        for (unsigned k = 0; k < cases[i].requests; k++) {
            strcat(requests, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        }
        client_say(client, requests);
        harness_settle(harness);
        unsigned sends = 0;
        static char packet[65536];
        while (recv(client->fd, packet, sizeof packet, 0) > 0) {
            sends++;
        }
        assert_int_equal(sends, cases[i].sends);
        assert_int_equal(harness->fake.completed_count, cases[i].requests);
        client_close(client);
        harness_close(harness);
    }
}

/* Three requests, one with a body of each kind, cut at every place. */
static void every_cut_gives_the_same_answers(void **state)
{
    (void)state;
    static const char requests[] =
        "\r\nGET /one HTTP/1.1\r\nHost: h\r\n\r\n"
        "POST /two HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /"
        "POST /three HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;a=b\r\nGET\r\n2\r\n /\r\n0\r\nTrailer: x\r\n\r\n"
        "HEAD /four HTTP/1.1\r\nHost: h\r\n\r\n";
    struct harness *harness = harness_open_default();
    for (size_t cut = 0; cut < sizeof requests; cut++) {
        struct client *client = client_connect(harness, 0);
        client_send(client, requests, cut);
        harness_settle(harness);
        client_send(client, requests + cut, sizeof requests - 1 - cut);
        harness_talk(harness, client);
        assert_answer_to(client, "/one");
        assert_answer_to(client, "/two");
        assert_answer_to(client, "/three");
        struct answer head = client_answer(client, true);
        assert_status(&head, 200);
        assert_int_equal(client_unread(client), 0);
        client_close(client);
        harness_settle(harness);
        assert_nothing_held(harness);
    }
    harness_close(harness);
}

static void byte_by_byte_the_states_follow(void **state)
{
    (void)state;
    static const char request[] =
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    const size_t head_bytes = (size_t)(strstr(request, "\r\n\r\n") - request) + 4;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    for (size_t i = 0; i + 1 < sizeof request - 1; i++) {
        client_send(client, request + i, 1);
        harness_settle(harness);
        enum connection_state wanted = i + 1 < head_bytes ? CONNECTION_HEAD : CONNECTION_BODY;
        assert_int_equal(harness_in_state(harness, wanted), 1);
        assert_int_equal(client_receive(client, SIZE_MAX), 0);
    }
    client_send(client, request + sizeof request - 2, 1);
    harness_talk(harness, client);
    assert_answer_to(client, "/a");
    assert_int_equal(harness_in_state(harness, CONNECTION_IDLE), 1);
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

static void what_waits_is_answered_in_order_and_never_early(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /1?delay=3000000 HTTP/1.1\r\nHost: h\r\n\r\n"
                       "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                       "POST /3?delay=1000000 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                       "GET /4?delay=0 HTTP/1.1\r\nHost: h\r\n\r\n"
                       "GET /5?delay=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_completed(harness, 5);
    harness_talk(harness, client);
    static const char *const targets[] = {"/1?delay=3000000", "/2", "/3?delay=1000000",
                                          "/4?delay=0", "/5?delay=1"};
    static const int64_t delays[] = {3000000, ACCESS_DELAY_NONE, 1000000, 0, 1};
    for (unsigned i = 0; i < ARRAY_LENGTH(targets); i++) {
        assert_answer_to(client, targets[i]);
        assert_completed(harness, i, targets[i], 200);
        const struct fake_completion *completion = &harness->fake.completed[i];
        assert_int_equal(completion->delay_ns, delays[i]);
        assert_true(completion->waited_ns >= completion->delay_ns || delays[i] <= 0);
        assert_true(delays[i] > 0 || completion->waited_ns == 0);
        assert_true(completion->total_ns >= completion->waited_ns);
    }
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

static void a_waiting_request_is_not_overtaken_by_what_comes_later(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /slow?delay=20000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    client_say(client, "GET /fast HTTP/1.1\r\nHost: h\r\n\r\nGET /fa");
    harness_settle(harness);
    client_say(client, "ster HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_completed(harness, 3);
    harness_talk(harness, client);
    assert_answer_to(client, "/slow?delay=20000000");
    assert_answer_to(client, "/fast");
    assert_answer_to(client, "/faster");
    client_close(client);
    harness_close(harness);
}

static void delays_of_many_connections_end_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *clients[4];
    static const char *const targets[] = {"/?delay=12000000", "/?delay=4000000", "/?delay=16000000",
                                          "/?delay=8000000"};
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = client_connect(harness, 0);
        char request[96];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[i]);
        client_say(clients[i], request);
    }
    harness_until_completed(harness, 4);
    static const unsigned order[] = {1, 3, 0, 2};
    for (unsigned i = 0; i < 4; i++) {
        assert_completed(harness, i, targets[order[i]], 200);
    }
    for (unsigned i = 0; i < 4; i++) {
        client_close(clients[i]);
    }
    harness_close(harness);
}

static void a_body_that_is_expected_is_asked_for(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                       "POST /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                       "Content-Length: 3\r\n\r\n");
    harness_talk(harness, client);
    assert_answer_to(client, "/a");
    struct answer interim = client_answer(client, false);
    assert_status(&interim, 100);
    assert_int_equal(client_unread(client), 0);
    client_say(client, "abcGET /c HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_talk(harness, client);
    assert_answer_to(client, "/b");
    assert_answer_to(client, "/c");
    /* The body is on its way already: nothing needs to be asked. */
    client_say(client, "POST /d HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                       "Content-Length: 3\r\n\r\na");
    harness_settle(harness);
    client_say(client, "bc");
    harness_talk(harness, client);
    assert_answer_to(client, "/d");
    client_close(client);
    harness_close(harness);
}

/* The client may or may not send the body: nothing behind the answer could be told apart. */
static void a_body_that_is_refused_is_not_asked_for(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "POST /b?refused&status=404 HTTP/1.1\r\nHost: h\r\n"
                       "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    harness_talk(harness, client);
    struct answer answer = client_answer(client, false);
    assert_status(&answer, 404);
    assert_true(answer.closes);
    client_receive(client, SIZE_MAX);
    assert_true(client->ended);
    client_close(client);
    harness_close(harness);
}

static void bodies_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_body_bytes = 10;
    static const char *const requests[] = {
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n01234567890",
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n",
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "a\r\n0123456789\r\n1\r\n0\r\n0\r\n\r\n"),
    };
    struct harness *harness = harness_open(&settings);
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct client *client = client_connect(harness, 0);
        client_say(client, requests[i]);
        harness_talk(harness, client);
        struct answer answer = client_answer(client, false);
        assert_status(&answer, 413);
        assert_true(answer.closes);
        assert_true(harness->fake.completed[i].refused);
        assert_int_equal(harness->fake.completed[i].status, 413);
        client_close(client);
        harness_settle(harness);
        assert_int_equal(harness_closed(harness, CLOSE_BAD_REQUEST), i + 1);
    }
    struct client *client = client_connect(harness, 0);
    client_say(client, "POST /fits HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789");
    harness_talk(harness, client);
    assert_answer_to(client, "/fits");
    client_close(client);
    harness_close(harness);
}

/* Larger than any buffer: it must be dropped while it comes. */
static void a_large_body_takes_no_memory(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_held_bytes = BLOCK_POOL_CHUNK_BYTES;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 0);
    client_say(client, "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n");
    static char bytes[9000];
    memset(bytes, 'b', sizeof bytes);
    for (unsigned i = 0; i < 100; i++) {
        client_send(client, bytes, sizeof bytes);
        harness_settle(harness);
        assert_true(harness->engine.held.chunks_in_use <= 1);
    }
    harness_talk(harness, client);
    assert_answer_to(client, "/big");
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

static void what_is_refused_ends_the_connection_behind_the_answers_before(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        unsigned status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* without Host */
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
        {"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400},
    };
    struct harness *harness = harness_open_default();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct client *client = client_connect(harness, 0);
        client_say(client, "GET /before HTTP/1.1\r\nHost: h\r\n\r\n");
        client_say(client, cases[i].request);
        client_say(client, "GET /behind HTTP/1.1\r\nHost: h\r\n\r\n");
        harness_talk(harness, client);
        assert_answer_to(client, "/before");
        struct answer answer = client_answer(client, false);
        assert_status(&answer, cases[i].status);
        assert_true(answer.closes);
        assert_int_equal(client_unread(client), 0);
        assert_true(client->ended && !client->reset);
        assert_int_equal(harness->fake.completed_count, 2 * (i + 1));
        assert_true(harness->fake.completed[2 * i + 1].refused);
        client_close(client);
        harness_settle(harness);
        assert_int_equal(harness_closed(harness, CLOSE_BAD_REQUEST), i + 1);
        assert_nothing_held(harness);
    }
    harness_close(harness);
}

static void connection_close_is_honoured(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool closes;
    } cases[] = {
        {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", false},
        {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", true},
        {"GET /a HTTP/1.0\r\n\r\n", true},
        {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
        {"POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", true},
        {"GET /a?delay=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, 0);
        client_say(client, cases[i].request);
        client_say(client, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        harness_until_completed(harness, cases[i].closes ? 1 : 2);
        harness_talk(harness, client);
        struct answer answer = client_answer(client, false);
        assert_status(&answer, 200);
        assert_int_equal(answer.closes, cases[i].closes);
        assert_int_equal(client->ended, cases[i].closes);
        if (!cases[i].closes) {
            assert_answer_to(client, "/b");
        }
        assert_int_equal(client_unread(client), 0);
        client_close(client);
        harness_settle(harness);
        assert_int_equal(harness_closed(harness, CLOSE_COMPLETE), cases[i].closes);
        harness_close(harness);
    }
}

/* With memory for one chunk, and so for one size of block. */
static struct harness *open_with_little_memory(void)
{
    struct engine_settings settings = harness_settings();
    settings.max_held_bytes = BLOCK_POOL_CHUNK_BYTES;
    return harness_open(&settings);
}

static void without_memory_to_wait_in_the_answer_is_503(void **state)
{
    (void)state;
    struct harness *harness = open_with_little_memory();
    struct client *first = client_connect(harness, 0);
    struct client *second = client_connect(harness, 0);
    client_say(first, "GET /1?delay=30000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_WAITING), 1);
    client_say(second, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                       "GET /2?delay=30000000&kept=30000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_talk(harness, second);
    assert_answer_to(second, "/a");
    struct answer answer = client_answer(second, false);
    assert_status(&answer, 503);
    assert_true(answer.closes);
    assert_int_equal(harness->fake.completed[1].status, 503);
    assert_true(harness->fake.completed[1].refused);
    client_close(second);
    harness_settle(harness);
    assert_int_equal(harness_closed(harness, CLOSE_MEMORY), 1);
    /* Those that wait are served, and then there is memory again. */
    harness_until_completed(harness, 3);
    harness_talk(harness, first);
    assert_answer_to(first, "/1?delay=30000000");
    client_say(first, "GET /3?delay=1&kept=30000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_completed(harness, 4);
    assert_int_equal(harness->fake.completed[3].status, 200);
    client_close(first);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void without_memory_for_a_body_that_is_to_come_the_answer_is_503(void **state)
{
    (void)state;
    struct harness *harness = open_with_little_memory();
    struct client *first = client_connect(harness, 0);
    struct client *second = client_connect(harness, 0);
    client_say(first, "GET /1?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    client_say(second, "POST /2?kept=30000 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na");
    harness_talk(harness, second);
    struct answer answer = client_answer(second, false);
    assert_status(&answer, 503);
    client_close(second);
    client_close(first);
    harness_settle(harness);
    assert_completed(harness, 1, "/1?delay=60000000000", 499);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void without_memory_for_part_of_a_head_the_connection_is_closed(void **state)
{
    (void)state;
    struct harness *harness = open_with_little_memory();
    struct client *first = client_connect(harness, 0);
    struct client *second = client_connect(harness, 0);
    client_say(first, "GET /1?delay=60000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_settle(harness);
    client_say(second, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b");
    harness_talk(harness, second);
    assert_answer_to(second, "/a");
    assert_true(second->ended);
    assert_int_equal(harness_closed(harness, CLOSE_MEMORY), 1);
    client_close(second);
    client_close(first);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

/* The longest head there may be, kept whole, answered whole, with bytes behind it. */
static void the_largest_heads_are_kept_and_answered(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_head_bytes = ENGINE_MAX_HEAD_LIMIT;
    struct harness *harness = harness_open(&settings);
    struct client *client = client_connect(harness, 0);
    static char head[ENGINE_MAX_HEAD_LIMIT + 1];
    size_t start = (size_t)snprintf(head, sizeof head,
                                    "GET /a?delay=1000000&kept=60000 HTTP/1.1\r\nHost: h\r\nX: ");
    memset(head + start, 'x', sizeof head - start);
    memcpy(head + ENGINE_MAX_HEAD_LIMIT - 4, "\r\n\r\n", 4);
    client_send(client, head, ENGINE_MAX_HEAD_LIMIT);
    client_say(client, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_until_completed(harness, 2);
    harness_talk(harness, client);
    struct answer answer = client_answer(client, false);
    assert_status(&answer, 200);
    assert_answer_to(client, "/b");
    /* One byte more is too much. */
    head[ENGINE_MAX_HEAD_LIMIT - 4] = 'x';
    head[ENGINE_MAX_HEAD_LIMIT - 3] = 'x';
    head[ENGINE_MAX_HEAD_LIMIT - 2] = 'x';
    head[ENGINE_MAX_HEAD_LIMIT - 1] = '\r';
    client_send(client, head, ENGINE_MAX_HEAD_LIMIT);
    harness_talk(harness, client);
    answer = client_answer(client, false);
    assert_status(&answer, 431);
    client_close(client);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_gets_one_answer),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_head_that_comes_again_is_not_parsed_again),
        cmocka_unit_test(a_remembered_head_stays_while_an_answer_to_it_is_in_the_batch),
        cmocka_unit_test(answers_that_are_ready_leave_in_one_system_call),
        cmocka_unit_test(every_cut_gives_the_same_answers),
        cmocka_unit_test(byte_by_byte_the_states_follow),
        cmocka_unit_test(what_waits_is_answered_in_order_and_never_early),
        cmocka_unit_test(a_waiting_request_is_not_overtaken_by_what_comes_later),
        cmocka_unit_test(delays_of_many_connections_end_in_the_order_of_their_deadlines),
        cmocka_unit_test(a_body_that_is_expected_is_asked_for),
        cmocka_unit_test(a_body_that_is_refused_is_not_asked_for),
        cmocka_unit_test(bodies_over_the_limit_are_refused),
        cmocka_unit_test(a_large_body_takes_no_memory),
        cmocka_unit_test(what_is_refused_ends_the_connection_behind_the_answers_before),
        cmocka_unit_test(connection_close_is_honoured),
        cmocka_unit_test(without_memory_to_wait_in_the_answer_is_503),
        cmocka_unit_test(without_memory_for_a_body_that_is_to_come_the_answer_is_503),
        cmocka_unit_test(without_memory_for_part_of_a_head_the_connection_is_closed),
        cmocka_unit_test(the_largest_heads_are_kept_and_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

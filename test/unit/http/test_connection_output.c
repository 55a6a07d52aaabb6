#include "engine_harness.h"

#define SMALL_SEND_BUFFER 1 /* the kernel takes its own minimum */

static void say_get(struct client *client, const char *target)
{
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    client_say(client, request);
}

/* Takes `step` bytes at a time, as a slow client does, until there is nothing more. */
static void take_slowly(struct harness *harness, struct client *client, size_t step)
{
    do {
        harness_settle(harness);
    } while (client_receive(client, step) > 0);
}

static void what_the_kernel_does_not_take_follows_in_order(void **state)
{
    (void)state;
    static const size_t steps[] = {37, 1000, 100000};
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
        static char requests[120 * 64];
        size_t length = 0;
        const unsigned count = 120;
        for (unsigned k = 0; k < count; k++) {
            length += (size_t)snprintf(requests + length, sizeof requests - length,
                                       "GET /%u?content=1000 HTTP/1.1\r\nHost: h\r\n\r\n", k);
        }
        client_send(client, requests, length);
        harness_settle(harness);
        assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
        assert_true(harness->fake.completed_count < count);
        take_slowly(harness, client, steps[i]);
        for (unsigned k = 0; k < count; k++) {
            char target[32];
            snprintf(target, sizeof target, "/%u?content=1000", k);
            struct answer answer = client_answer(client, false);
            assert_status(&answer, 200);
            assert_true(span_equals(answer_field(&answer, "x-target"), span_from_string(target)));
            assert_pattern(answer.content, 1000);
            assert_completed(harness, k, target, 200);
        }
        assert_int_equal(harness->fake.completed_count, count);
        assert_int_equal(harness_in_state(harness, CONNECTION_IDLE), 1);
        assert_nothing_held(harness);
        client_close(client);
        harness_close(harness);
    }
}

/* An answer is complete when its last byte is handed over, and not before. */
static void answers_are_complete_when_their_last_byte_is_handed_over(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
    client->read = client_block(harness, 0);
    say_get(client, "/1?content=1000");
    harness_settle(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
    assert_int_equal(harness->fake.responded, 1);
    assert_int_equal(harness->fake.completed_count, 0);
    harness_talk(harness, client);
    assert_answer_to(client, "/1?content=1000");
    assert_int_equal(harness->fake.completed_count, 1);
    assert_int_equal(harness->fake.completed[0].content_bytes, 1000);
    client_close(client);
    harness_close(harness);
}

/* Whatever is to be written when nothing can be: it comes whole, later. */
static void a_blocked_connection_loses_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        unsigned status;
        unsigned answers;
        bool closes;
    } cases[] = {
        {"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, 1, false},
        {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 200, 1, true},
        {"GET /a?delay=1000 HTTP/1.1\r\nHost: h\r\n\r\n", 200, 1, false},
        {"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b?delay=1000 HTTP/1.1\r\nHost: h\r\n\r\n", 200, 2,
         false},
        {"GET /a?stream=40000 HTTP/1.1\r\nHost: h\r\n\r\n", 200, 1, false},
        {"GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
         "\r\nxy",
         200, 2, false},
        {"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         200, 1, false},
        {"GET /a HTTP/1.1\r\n\r\n", 400, 1, true},
        {"\x01", 400, 1, true},
        {"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501, 1, true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
        client->read = client_block(harness, 0);
        client_say(client, cases[i].request);
        if (strstr(cases[i].request, "delay=") != NULL) {
            while (harness_in_state(harness, CONNECTION_WRITING) == 0) {
                harness_turn(harness);
            }
        }
        harness_settle(harness);
        assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
        assert_int_equal(harness->fake.completed_count, 0);
        harness_talk(harness, client);
        harness_until_completed(harness, cases[i].answers);
        harness_talk(harness, client);
        for (unsigned k = 0; k < cases[i].answers; k++) {
            struct answer answer = client_answer(client, false);
            assert_status(&answer, cases[i].status);
            assert_int_equal(harness->fake.completed[k].status, cases[i].status);
        }
        assert_int_equal(client_unread(client), 0);
        assert_int_equal(client->ended, cases[i].closes);
        client_close(client);
        harness_settle(harness);
        assert_nothing_held(harness);
        harness_close(harness);
    }
}

/* 100 Continue is output without an exchange behind it. */
static void an_interim_answer_that_is_held_back_is_sent_before_the_body_is_read(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
    client->read = client_block(harness, 0);
    client_say(client, "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                       "Content-Length: 3\r\n\r\n");
    harness_settle(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
    harness_talk(harness, client);
    struct answer interim = client_answer(client, false);
    assert_status(&interim, 100);
    assert_int_equal(harness_in_state(harness, CONNECTION_BODY), 1);
    client_say(client, "abc");
    harness_talk(harness, client);
    assert_answer_to(client, "/a");
    client_close(client);
    harness_close(harness);
}

static void who_leaves_with_answers_unsent_is_counted_for_those(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
    const unsigned count = 30;
    for (unsigned k = 0; k < count; k++) {
        say_get(client, "/x?content=1000");
    }
    say_get(client, "/held?delay=60000000000");
    harness_settle(harness);
    unsigned sent = harness->fake.completed_count;
    assert_in_range(sent, 1, count - 1);
    client_leave(client);
    harness_settle(harness);
    assert_int_equal(harness->fake.completed_count, count + 1);
    for (unsigned k = 0; k < count; k++) {
        assert_completed(harness, k, "/x?content=1000", k < sent ? 200 : 499);
    }
    assert_completed(harness, count, "/held?delay=60000000000", 499);
    assert_int_equal(harness_closed(harness, CLOSE_CLIENT), 1);
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

/* Sizes around those at which content no longer fits next to its head, or into a piece. */
static void streamed_content_arrives_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     1000,  16383, 16384, 16385,  40959,
                                   40960, 40961, 57344, 65535, 65536, 131072, 1000003};
    static const char *const pieces[] = {"", "&piece=1000", "&piece=16384", "&piece=7"};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(pieces); k++) {
            struct harness *harness = harness_open_default();
            struct client *client = client_connect(harness, k % 2 == 0 ? 0 : SMALL_SEND_BUFFER);
            char target[48];
            snprintf(target, sizeof target, "/?stream=%zu%s", sizes[i], pieces[k]);
            say_get(client, "/before");
            say_get(client, target);
            say_get(client, "/behind");
            harness_talk(harness, client);
            assert_answer_to(client, "/before");
            struct answer answer = client_answer(client, false);
            assert_status(&answer, 200);
            assert_pattern(answer.content, sizes[i]);
            assert_int_equal(answer.chunked, sizes[i] >= 40960);
            assert_answer_to(client, "/behind");
            assert_int_equal(harness->fake.sources_closed_whole, 1);
            assert_completed(harness, 1, target, 200);
            assert_int_equal(harness->fake.completed[1].content_bytes, sizes[i]);
            assert_nothing_held(harness);
            client_close(client);
            harness_close(harness);
        }
    }
}

/* Earlier answers leave less room next to them: content then starts in a smaller piece. */
static void streamed_content_behind_a_full_batch_arrives_whole(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_head_bytes = 256;
    for (unsigned before = 0; before < 70; before++) {
        struct harness *harness = harness_open(&settings);
        struct client *client = client_connect(harness, 0);
        for (unsigned i = 0; i < before; i++) {
            say_get(client, "/x?content=1024");
        }
        say_get(client, "/?stream=20000");
        harness_talk(harness, client);
        for (unsigned i = 0; i < before; i++) {
            assert_answer_to(client, "/x?content=1024");
        }
        struct answer answer = client_answer(client, false);
        assert_pattern(answer.content, 20000);
        client_close(client);
        harness_close(harness);
    }
}

static void streaming_does_not_keep_others_waiting(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *large = client_connect(harness, 0);
    struct client *small = client_connect(harness, 0);
    say_get(large, "/?stream=3000000");
    say_get(small, "/small");
    while (harness->fake.completed_count == 0) {
        harness_turn(harness);
    }
    assert_completed(harness, 0, "/small", 200);
    harness_talk(harness, large);
    struct answer answer = client_answer(large, false);
    assert_pattern(answer.content, 3000000);
    client_close(large);
    client_close(small);
    harness_close(harness);
}

/* It is asked once in a turn, and what it gives arrives whole though many turns give nothing. */
static void content_that_is_hard_to_make_keeps_nobody_waiting(void **state)
{
    (void)state;
    static const char *const framings[] = {"", "&known"};
    for (size_t i = 0; i < ARRAY_LENGTH(framings); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, 0);
        char target[48];
        snprintf(target, sizeof target, "/?stream=10500&piece=1000&toil=3%s", framings[i]);
        say_get(client, target);
        unsigned turns = 0;
        while (harness->fake.completed_count == 0) {
            harness_turn(harness);
            turns++;
            assert_true(harness->fake.sources_toiled <= turns);
        }
        assert_int_equal(harness->fake.sources_toiled, 11 * 4);
        harness_talk(harness, client);
        struct answer answer = client_answer(client, false);
        assert_status(&answer, 200);
        assert_pattern(answer.content, 10500);
        assert_int_equal(harness->fake.sources_closed_whole, 1);
        assert_nothing_held(harness);
        client_close(client);
        harness_close(harness);
    }
}

static void head_pulls_nothing(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    client_say(client, "HEAD /?stream=100000 HTTP/1.1\r\nHost: h\r\n\r\n"
                       "HEAD /?fail=0 HTTP/1.1\r\nHost: h\r\n\r\n"
                       "HEAD /?content=5 HTTP/1.1\r\nHost: h\r\n\r\n"
                       "HEAD /?stream=3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                       "GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
    harness_talk(harness, client);
    for (unsigned i = 0; i < 4; i++) {
        struct answer answer = client_answer(client, true);
        assert_status(&answer, 200);
        struct span length = answer_field(&answer, "content-length");
        assert_true(i == 2 ? span_equals(length, SPAN("5")) : length.data == NULL);
        assert_int_equal(harness->fake.completed[i].content_bytes, 0);
    }
    assert_answer_to(client, "/last");
    for (size_t i = 0; i < FAKE_MAX_SOURCES; i++) {
        assert_int_equal(harness->fake.sources[i].at, 0);
    }
    client_close(client);
    harness_close(harness);
}

static void http_1_0_content_ends_with_its_length_or_the_connection(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 5, 16384, 40960, 200000};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct harness *harness = harness_open_default();
        struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
        char request[128];
        snprintf(request, sizeof request,
                 "GET /?stream=%zu HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", sizes[i]);
        client_say(client, request);
        harness_talk(harness, client);
        struct answer answer = client_answer(client, false);
        assert_status(&answer, 200);
        assert_pattern(answer.content, sizes[i]);
        assert_false(answer.chunked);
        assert_int_equal(answer.to_end, sizes[i] >= 40960);
        assert_int_equal(client->ended, sizes[i] >= 40960);
        assert_int_equal(harness->fake.completed[0].content_bytes, sizes[i]);
        client_close(client);
        harness_settle(harness);
        assert_nothing_held(harness);
        harness_close(harness);
    }
}

/* The client must see that the content is not whole; what was answered before is not touched. */
static void content_that_fails_cuts_the_connection(void **state)
{
    (void)state;
    static const char *const targets[] = {"/?fail=0",     "/?fail=100",   "/?fail=16384",
                                          "/?fail=40960", "/?fail=70000", "/?fail=70000&piece=100"};
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        for (unsigned old = 0; old < 2; old++) {
            struct harness *harness = harness_open_default();
            struct client *client = client_connect(harness, old == 0 ? 0 : SMALL_SEND_BUFFER);
            char request[128];
            snprintf(request, sizeof request, "GET %s HTTP/1.%u\r\nHost: h\r\n\r\n", targets[i],
                     old == 0 ? 1 : 0);
            say_get(client, "/before");
            client_say(client, request);
            say_get(client, "/behind");
            harness_talk(harness, client);
            assert_answer_to(client, "/before");
            struct answer answer;
            if (old == 0) {
                assert_false(client_has_answer(client, false, &answer));
            }
            assert_true(client->ended);
            assert_completed(harness, 0, "/before", 200);
            assert_completed(harness, 1, targets[i], 499);
            assert_int_equal(harness->fake.completed_count, 2);
            assert_int_equal(harness->fake.sources_closed_cut, 1);
            client_close(client);
            harness_settle(harness);
            assert_int_equal(harness_closed(harness, CLOSE_CONTENT_FAILED), 1);
            assert_nothing_held(harness);
            harness_close(harness);
        }
    }
}

/* Where the close ends the content, a close alone would make what came seem whole. */
static void http_1_0_content_that_fails_resets_the_connection(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect_over_ip(harness);
    client_say(client, "GET /?fail=70000 HTTP/1.0\r\n\r\n");
    do {
        harness_settle(harness);
        client_receive(client, SIZE_MAX);
    } while (!client->ended);
    assert_true(client->reset);
    assert_int_equal(harness_closed(harness, CLOSE_CONTENT_FAILED), 1);
    client_close(client);
    harness_close(harness);
}

static void who_leaves_while_content_is_streamed_ends_its_source(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
    say_get(client, "/?stream=1000000");
    harness_settle(harness);
    client_receive(client, 20000);
    harness_settle(harness);
    assert_int_equal(harness_in_state(harness, CONNECTION_WRITING), 1);
    client_leave(client);
    harness_settle(harness);
    assert_int_equal(harness->fake.sources_closed_cut, 1);
    assert_completed(harness, 0, "/?stream=1000000", 499);
    assert_int_equal(harness_closed(harness, CLOSE_CLIENT), 1);
    assert_nothing_held(harness);
    client_close(client);
    harness_close(harness);
}

static void streaming_after_a_delay_or_a_body_works(void **state)
{
    (void)state;
    struct harness *harness = harness_open_default();
    struct client *client = client_connect(harness, 0);
    say_get(client, "/?delay=1000000&stream=50000");
    client_say(client, "POST /?stream=60000 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n");
    client_say(client, "xy");
    say_get(client, "/?delay=1000000&stream=70000");
    client_say(client, "GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    do {
        harness_talk(harness, client);
        if (harness->fake.completed_count < 4) {
            harness_turn(harness);
        }
    } while (!client->ended);
    static const size_t sizes[] = {50000, 60000, 70000};
    for (unsigned i = 0; i < 3; i++) {
        struct answer answer = client_answer(client, false);
        assert_pattern(answer.content, sizes[i]);
    }
    assert_answer_to(client, "/end");
    assert_int_equal(harness->fake.sources_closed_whole, 3);
    client_close(client);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

/* With memory for one size of block: somebody who waits takes it. */
static void without_memory_to_stream_the_answers_before_are_sent(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_held_bytes = BLOCK_POOL_CHUNK_BYTES;
    struct harness *harness = harness_open(&settings);
    struct client *waiting = client_connect(harness, 0);
    say_get(waiting, "/?delay=60000000000&kept=30000");
    harness_settle(harness);
    struct client *client = client_connect(harness, 0);
    say_get(client, "/before");
    say_get(client, "/?stream=100000");
    harness_talk(harness, client);
    assert_true(client->ended);
    assert_answer_to(client, "/before");
    assert_int_equal(harness->fake.sources_closed_cut, 1);
    assert_completed(harness, 0, "/before", 200);
    assert_completed(harness, 1, "/?stream=100000", 499);
    client_close(client);
    harness_settle(harness);
    assert_int_equal(harness_closed(harness, CLOSE_MEMORY), 1);
    client_close(waiting);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

static void without_memory_for_output_the_connection_is_closed(void **state)
{
    (void)state;
    struct engine_settings settings = harness_settings();
    settings.max_held_bytes = BLOCK_POOL_CHUNK_BYTES;
    struct harness *harness = harness_open(&settings);
    struct client *waiting = client_connect(harness, 0);
    say_get(waiting, "/?delay=60000000000&kept=30000");
    harness_settle(harness);
    struct client *client = client_connect(harness, SMALL_SEND_BUFFER);
    for (unsigned i = 0; i < 20; i++) {
        say_get(client, "/?content=1000");
    }
    harness_settle(harness);
    unsigned sent = 0;
    while (sent < 20 && harness->fake.completed[sent].status == 200) {
        sent++;
    }
    assert_in_range(sent, 1, 19);
    assert_int_equal(harness->fake.completed_count, 20);
    assert_int_equal(harness->fake.completed[19].status, 499);
    assert_int_equal(harness_closed(harness, CLOSE_MEMORY), 1);
    client_close(client);
    client_close(waiting);
    harness_settle(harness);
    assert_nothing_held(harness);
    harness_close(harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_does_not_take_follows_in_order),
        cmocka_unit_test(answers_are_complete_when_their_last_byte_is_handed_over),
        cmocka_unit_test(a_blocked_connection_loses_nothing),
        cmocka_unit_test(an_interim_answer_that_is_held_back_is_sent_before_the_body_is_read),
        cmocka_unit_test(who_leaves_with_answers_unsent_is_counted_for_those),
        cmocka_unit_test(streamed_content_arrives_whole),
        cmocka_unit_test(streamed_content_behind_a_full_batch_arrives_whole),
        cmocka_unit_test(streaming_does_not_keep_others_waiting),
        cmocka_unit_test(content_that_is_hard_to_make_keeps_nobody_waiting),
        cmocka_unit_test(head_pulls_nothing),
        cmocka_unit_test(http_1_0_content_ends_with_its_length_or_the_connection),
        cmocka_unit_test(content_that_fails_cuts_the_connection),
        cmocka_unit_test(http_1_0_content_that_fails_resets_the_connection),
        cmocka_unit_test(who_leaves_while_content_is_streamed_ends_its_source),
        cmocka_unit_test(streaming_after_a_delay_or_a_body_works),
        cmocka_unit_test(without_memory_to_stream_the_answers_before_are_sent),
        cmocka_unit_test(without_memory_for_output_the_connection_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

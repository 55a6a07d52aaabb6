#include "../cmocka_includes.h"

#include "app/client_address.h"
#include "base/compiler.h"

#include <stdio.h>
#include <string.h>

static struct network network_of(const char *text)
{
    struct network network;
    const char *reason = NULL;
    assert_int_equal(network_parse(span_from_string(text), &network, &reason), 0);
    return network;
}

/* The client's text, for a peer and field lines; proxies are in 10.0.0.0/8, fd00::/8, 192.0.2.1. */
static const char *client_for(const char *peer, const char *fields)
{
    static char head[4096];
    static struct request request;
    static char text[64];
    int length = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    assert_in_range(length, 1, sizeof head - 1);
    struct request_limits limits = {.max_head_bytes = sizeof head};
    struct request_error error = {0};
    size_t head_bytes = 0;
    assert_int_equal(
        request_parse(span_of(head, (size_t)length), &limits, &request, &head_bytes, &error),
        REQUEST_COMPLETE);
    struct network networks[] = {network_of("10.0.0.0/8"), network_of("fd00::/8"),
                                 network_of("192.0.2.1")};
    struct trusted_networks trusted = {networks, ARRAY_LENGTH(networks)};
    struct peer_address client = {.family = AF_UNIX};
    if (strcmp(peer, "unix") != 0) {
        assert_true(peer_address_parse(span_from_string(peer), &client));
    }
    client_address_find(&request, &trusted, &client);
    struct buffer buffer = buffer_over(text, sizeof text - 1);
    peer_address_print(&client, &buffer);
    text[buffer.length] = '\0';
    return text;
}

static void nobody_is_believed_but_trusted_peers(void **state)
{
    (void)state;
    static const char fields[] = "X-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.8\r\n";
    assert_string_equal(client_for("203.0.113.5", fields), "203.0.113.5");
    assert_string_equal(client_for("192.0.2.2", fields), "192.0.2.2");
    assert_string_equal(client_for("2001:db8::1", fields), "2001:db8::1");
    assert_string_equal(client_for("unix", fields), "unix");
    assert_string_equal(client_for("10.1.2.3", fields), "198.51.100.7");
    assert_string_equal(client_for("fd00::1", fields), "198.51.100.7");
    assert_string_equal(client_for("192.0.2.1", fields), "198.51.100.7");
    /* A mapped address is the IPv4 address. */
    assert_string_equal(client_for("::ffff:10.1.2.3", fields), "198.51.100.7");
}

static void without_networks_or_fields_the_peer_stays_with_its_port(void **state)
{
    (void)state;
    struct request request = {0};
    struct peer_address client = {.family = AF_INET, .bytes = {10, 0, 0, 1}, .port = 4711};
    const struct peer_address before = client;
    client_address_find(&request, &(struct trusted_networks){0}, &client);
    assert_memory_equal(&client, &before, sizeof client);
    struct network all = network_of("0.0.0.0/0");
    client_address_find(&request, &(struct trusted_networks){&all, 1}, &client);
    assert_memory_equal(&client, &before, sizeof client);
    assert_string_equal(client_for("10.0.0.1", ""), "10.0.0.1");
}

static void the_first_from_the_right_that_is_not_trusted_is_the_client(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const char *client;
    } cases[] = {
        {"X-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 1.1.1.1, 198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 198.51.100.7, 10.2.2.2,fd00::5\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 1.1.1.1,198.51.100.7,10.2.2.2\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 10.3.3.3, 10.2.2.2\r\n", "10.3.3.3"},
        {"X-Forwarded-For: 10.3.3.3\r\n", "10.3.3.3"},
        {"X-Forwarded-For: 198.51.100.7,, 10.2.2.2 ,\r\n", "198.51.100.7"},
        {"x-forwarded-for:2001:db8::7\r\n", "2001:db8::7"},
        /* Several lines are one list. */
        {"X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 10.2.2.2\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 1.1.1.1\r\nA: b\r\nX-FORWARDED-FOR: 198.51.100.7\r\n", "198.51.100.7"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_string_equal(client_for("10.0.0.1", cases[i].fields), cases[i].client);
    }
}

static void behind_what_is_no_address_nothing_is_believed(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const char *client;
    } cases[] = {
        {"X-Forwarded-For: unknown\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 1.1.1.1, unknown\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 1.1.1.1, unknown, 10.2.2.2\r\n", "10.2.2.2"},
        {"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: evil\r\nX-Forwarded-For: 10.2.2.2\r\n",
         "10.2.2.2"},
        {"X-Forwarded-For: 1.1.1.256\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 1.1.1\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 01.1.1.1.1\r\n", "10.0.0.1"},
        {"X-Forwarded-For: [2001:db8::1\r\n", "10.0.0.1"},
        {"X-Forwarded-For: []\r\n", "10.0.0.1"},
        {"X-Forwarded-For: \"\r\n", "10.0.0.1"},
        {"X-Forwarded-For: \"\"\r\n", "10.0.0.1"},
        {"X-Forwarded-For: :80\r\n", "10.0.0.1"},
        {"X-Forwarded-For:\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 1.1.1.1 2.2.2.2\r\n", "10.0.0.1"},
        /* A port is a number, and nothing else follows an address. */
        {"X-Forwarded-For: 1.1.1.1:x\r\n", "10.0.0.1"},
        {"X-Forwarded-For: [2001:db8::1]x\r\n", "10.0.0.1"},
        {"X-Forwarded-For: [1.1.1.1]:80\r\n", "10.0.0.1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *client = client_for("10.0.0.1", cases[i].fields);
        if (strcmp(client, cases[i].client) != 0) {
            fail_msg("%s gave %s, not %s", cases[i].fields, client, cases[i].client);
        }
    }
}

static void ports_brackets_and_quotes_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const char *client;
    } cases[] = {
        {"X-Forwarded-For: 198.51.100.7:8080\r\n", "198.51.100.7"},
        {"X-Forwarded-For: [2001:db8::7]\r\n", "2001:db8::7"},
        {"X-Forwarded-For: [2001:db8::7]:443\r\n", "2001:db8::7"},
        {"X-Forwarded-For: \"[2001:db8::7]:443\"\r\n", "2001:db8::7"},
        {"X-Forwarded-For: \"198.51.100.7\"\r\n", "198.51.100.7"},
        {"X-Forwarded-For: ::ffff:198.51.100.7\r\n", "198.51.100.7"},
        {"X-Forwarded-For: 198.51.100.7, ::ffff:10.0.0.9\r\n", "198.51.100.7"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_string_equal(client_for("10.0.0.1", cases[i].fields), cases[i].client);
    }
}

static void forwarded_is_read_where_there_is_no_x_forwarded_for(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const char *client;
    } cases[] = {
        {"Forwarded: for=198.51.100.7\r\n", "198.51.100.7"},
        {"Forwarded: For=\"[2001:db8:cafe::17]:4711\"\r\n", "2001:db8:cafe::17"},
        {"Forwarded: for=198.51.100.7;proto=http;by=203.0.113.43\r\n", "198.51.100.7"},
        {"Forwarded: proto=http; by=203.0.113.43 ;FOR=198.51.100.7\r\n", "198.51.100.7"},
        {"Forwarded: for=192.0.2.43, for=198.51.100.7\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7, for=10.9.9.9;proto=https\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7\r\nForwarded: for=10.9.9.9\r\n", "198.51.100.7"},
        {"Forwarded: for=\"198.51.100.7:80\"\r\n", "198.51.100.7"},
        {"Forwarded: for=unknown\r\n", "10.0.0.1"},
        {"Forwarded: for=_hidden, for=10.9.9.9\r\n", "10.9.9.9"},
        {"Forwarded: for=1.1.1.1, by=10.9.9.9\r\n", "10.0.0.1"},
        {"Forwarded: before=1.1.1.1\r\n", "10.0.0.1"},
        {"Forwarded: for=\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 198.51.100.7\r\nForwarded: for=1.1.1.1\r\n", "198.51.100.7"},
        {"Forwarded: for=1.1.1.1\r\nX-Forwarded-For: unknown\r\n", "10.0.0.1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *client = client_for("10.0.0.1", cases[i].fields);
        if (strcmp(client, cases[i].client) != 0) {
            fail_msg("%s gave %s, not %s", cases[i].fields, client, cases[i].client);
        }
    }
}

/* RFC 7239, section 4: a value may be a quoted string. Host comes from the client, and may hold
 * commas and semicolons (RFC 3986, section 3.2.2): it must not pass for another parameter. */
static void quoted_strings_hide_their_commas_and_semicolons(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        const char *client;
    } cases[] = {
        {"Forwarded: host=\"a;for=6.6.6.6;b\";for=198.51.100.7\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7;host=\"a,for=6.6.6.6;b\"\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7;host=\"a,for=6.6.6.6\"\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7;host=\"a\\\",for=6.6.6.6;b\"\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7;a=\"\\\\\", for=10.9.9.9\r\n", "198.51.100.7"},
        {"Forwarded: for=198.51.100.7;a=\"x,\", for=\"10.9.9.9\";b=\",\"\r\n", "198.51.100.7"},
        /* A quote that the client left open in front of what the proxy added. */
        {"Forwarded: for=6.6.6.6, a=\", for=198.51.100.7\r\n", "10.0.0.1"},
        {"Forwarded: for=6.6.6.6, a=\", for=\"198.51.100.7\"\r\n", "10.0.0.1"},
        {"Forwarded: for=6.6.6.6, a=\", for=198.51.100.7;host=\"a\\\"b\"\r\n", "10.0.0.1"},
        {"Forwarded: for=6.6.6.6, a=\"\r\nForwarded: for=198.51.100.7\r\n", "198.51.100.7"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const char *client = client_for("10.0.0.1", cases[i].fields);
        if (strcmp(client, cases[i].client) != 0) {
            fail_msg("%s gave %s, not %s", cases[i].fields, client, cases[i].client);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_believed_but_trusted_peers),
        cmocka_unit_test(without_networks_or_fields_the_peer_stays_with_its_port),
        cmocka_unit_test(the_first_from_the_right_that_is_not_trusted_is_the_client),
        cmocka_unit_test(behind_what_is_no_address_nothing_is_believed),
        cmocka_unit_test(ports_brackets_and_quotes_are_understood),
        cmocka_unit_test(forwarded_is_read_where_there_is_no_x_forwarded_for),
        cmocka_unit_test(quoted_strings_hide_their_commas_and_semicolons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

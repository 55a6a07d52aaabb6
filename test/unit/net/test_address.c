#include "../cmocka_includes.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define PATH_107                                                                                   \
    "/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                           \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

_Static_assert(sizeof PATH_107 == 108, "the longest path that a Unix socket can have, and its NUL");

struct valid_row {
    const char *text, *printed;
    int family;
    socklen_t length;
    uint16_t port;
};

#define V4(text, printed, port)                                                                    \
    {                                                                                              \
        text, printed, AF_INET, sizeof(struct sockaddr_in), port                                   \
    }
#define V6(text, printed, port)                                                                    \
    {                                                                                              \
        text, printed, AF_INET6, sizeof(struct sockaddr_in6), port                                 \
    }
#define LOCAL(path)                                                                                \
    {                                                                                              \
        "unix:" path, "unix:" path, AF_UNIX,                                                       \
            offsetof(struct sockaddr_un, sun_path) + sizeof(path), 0                               \
    }

static const struct valid_row valid[] = {
    V4("0.0.0.0:8080", "0.0.0.0:8080", 8080),
    V4("127.0.0.1:1", "127.0.0.1:1", 1),
    V4("255.255.255.255:65535", "255.255.255.255:65535", 65535),
    V4("localhost:8080", "127.0.0.1:8080", 8080),
    V4("10.0.0.1:0", "10.0.0.1:0", 0),
    V4("10.0.0.1:00080", "10.0.0.1:80", 80),
    V6(":8080", "[::]:8080", 8080),
    V6(":0", "[::]:0", 0),
    V6("[::]:8080", "[::]:8080", 8080),
    V6("[::1]:8080", "[::1]:8080", 8080),
    V6("[2001:DB8:0:0:0:0:0:1]:80", "[2001:db8::1]:80", 80),
    V6("[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", 80),
    V6("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 65535),
    LOCAL("/run/httpserver.sock"),
    LOCAL("/a:80"),
    LOCAL("/"),
    LOCAL(PATH_107),
};

/* An exact copy on the heap, so that reading behind the end is seen. */
static int parse(const char *text, size_t length, struct address *address, const char **reason)
{
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, text, length);
    int result = address_parse(span_of(exact, length), address, reason);
    free(exact);
    return result;
}

static void check_prints(const struct address *address, const char *expected)
{
    char text[ADDRESS_TEXT_BYTES];
    struct buffer buffer = buffer_over(text, sizeof text - 1);
    address_print(address, &buffer);
    assert_false(buffer.overflowed);
    text[buffer.length] = '\0';
    assert_string_equal(text, expected);
}

static void reads_and_prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(valid); i++) {
        const struct valid_row *row = &valid[i];
        struct address address, again;
        const char *reason = "";
        if (parse(row->text, strlen(row->text), &address, &reason) != 0) {
            fail_msg("refused: %s: %s", row->text, reason);
        }
        assert_int_equal(address.socket.any.sa_family, row->family);
        assert_int_equal(address.length, row->length);
        if (row->family == AF_INET) {
            assert_int_equal(ntohs(address.socket.v4.sin_port), row->port);
        } else if (row->family == AF_INET6) {
            assert_int_equal(ntohs(address.socket.v6.sin6_port), row->port);
            assert_int_equal(address.socket.v6.sin6_scope_id, 0);
        }
        check_prints(&address, row->printed);
        assert_int_equal(parse(row->printed, strlen(row->printed), &again, &reason), 0);
        assert_memory_equal(&again, &address, sizeof address);
    }
}

#define BAD(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct span invalid[] = {
    BAD(""),
    BAD("8080"),
    BAD("localhost"),
    BAD("0.0.0.0"),
    BAD("0.0.0.0:"),
    BAD(":"),
    BAD("::"),
    BAD("::1:8080"), /* which colon? */
    BAD("::1"),
    BAD("[::1]"),
    BAD("[::1]8080"),
    BAD("[::1]:"),
    BAD("[::1:8080"),
    BAD("::1]:8080"),
    BAD("[]:8080"),
    BAD("[:8080"),
    BAD("]:8080"),
    BAD("[127.0.0.1]:8080"),
    BAD("[localhost]:8080"),
    BAD("[::1%lo]:8080"),
    BAD("[::g]:8080"),
    BAD("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1"),
    BAD("0.0.0.0:65536"),
    BAD("0.0.0.0:99999"),
    BAD("0.0.0.0:100000"),
    BAD("0.0.0.0:4294967376"), /* 80 + 2^32 */
    BAD("0.0.0.0:-1"),
    BAD("0.0.0.0:+80"),
    BAD("0.0.0.0: 80"),
    BAD("0.0.0.0:80 "),
    BAD(" 0.0.0.0:80"),
    BAD("0.0.0.0 :80"),
    BAD("0.0.0.0:0x50"),
    BAD("0.0.0.0:http"),
    BAD("0.0.0:80"),
    BAD("0.0.0.0.0:80"),
    BAD("256.0.0.1:80"),
    BAD("1:80"),
    BAD("example.com:80"),
    BAD("*:80"),
    BAD("http://0.0.0.0:80"),
    BAD("a-host-name-that-is-longer-than-any-numeric-address-can-ever-be:80"),
    BAD("127.0.0.1\0.example.com:80"),
    BAD("[::1\0]:80"),
    BAD("unix:"),
    BAD("unix:relative"),
    BAD("unix:@abstract"),
    BAD("unix:" PATH_107 "a"),
    BAD("unix:/tmp/a\0b"),
    BAD("UNIX:/tmp/a"),
};

static void says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(invalid); i++) {
        struct address address;
        const char *reason = NULL;
        if (parse(invalid[i].data, invalid[i].length, &address, &reason) != -EINVAL) {
            fail_msg("accepted: %s", invalid[i].data);
        }
        assert_non_null(reason);
        assert_true(strlen(reason) > 10);
    }
    struct address address;
    const char *reason = NULL;
    assert_int_equal(address_parse((struct span){0}, &address, &reason), -EINVAL);
}

/* Every byte string made of an address by changing one byte is refused or prints what it means. */
static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char text[] = "[2001:db8::1]:8080";
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char changed[sizeof text - 1];
            memcpy(changed, text, sizeof changed);
            changed[at] = (char)byte;
            struct address address, again;
            const char *reason = NULL;
            if (parse(changed, sizeof changed, &address, &reason) == 0) {
                char printed[ADDRESS_TEXT_BYTES];
                struct buffer buffer = buffer_over(printed, sizeof printed);
                address_print(&address, &buffer);
                assert_int_equal(parse(printed, buffer.length, &again, &reason), 0);
                assert_memory_equal(&again, &address, sizeof address);
            }
        }
    }
}

static void prints_peers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
        int family;
        uint16_t port;
    } rows[] = {
        {"192.0.2.1:4711", "192.0.2.1", AF_INET, 4711},
        {"255.255.255.255:65535", "255.255.255.255", AF_INET, 65535},
        {"0.0.0.0:1", "0.0.0.0", AF_INET, 1},
        {"[::ffff:192.0.2.1]:80", "192.0.2.1", AF_INET, 80},
        {"[::1]:80", "::1", AF_INET6, 80},
        {"[2001:db8:0:0:1:0:0:1]:80", "2001:db8::1:0:0:1", AF_INET6, 80},    /* RFC 5952, 4.2.3 */
        {"[2001:db8:0:1:1:1:1:1]:80", "2001:db8:0:1:1:1:1:1", AF_INET6, 80}, /* 4.2.2 */
        {"unix:/run/a.sock", "unix", AF_UNIX, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct address address;
        const char *reason = NULL;
        assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &address, &reason), 0);
        struct sockaddr_storage storage = {0};
        memcpy(&storage, &address.socket, address.length);
        struct peer_address peer = peer_address_from(&storage);
        assert_int_equal(peer.family, rows[i].family);
        assert_int_equal(peer.port, rows[i].port);
        char text[ADDRESS_TEXT_BYTES];
        struct buffer buffer = buffer_over(text, sizeof text - 1);
        peer_address_print(&peer, &buffer);
        text[buffer.length] = '\0';
        assert_string_equal(text, rows[i].printed);
    }
    assert_int_equal(sizeof(struct peer_address), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_prints),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(prints_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

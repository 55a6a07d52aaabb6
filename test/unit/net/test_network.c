#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "net/network.h"

#include <errno.h>
#include <string.h>

static struct peer_address peer_of(const char *text)
{
    struct peer_address peer;
    assert_true(peer_address_parse(span_from_string(text), &peer));
    return peer;
}

static struct network network_of(const char *text)
{
    struct network network;
    const char *reason = NULL;
    if (network_parse(span_from_string(text), &network, &reason) != 0) {
        fail_msg("%s: %s", text, reason);
    }
    return network;
}

static void networks_contain_what_shares_their_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *address;
        bool inside;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"172.16.0.0/12", "172.16.0.1", true},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"172.16.0.0/12", "172.15.255.255", false},
        {"192.168.1.128/25", "192.168.1.128", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.4/31", "192.168.1.5", true},
        {"192.168.1.4/31", "192.168.1.6", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "0.0.0.0", true},
        {"0.0.0.0/1", "127.255.255.255", true},
        {"0.0.0.0/1", "128.0.0.0", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1/128", "2001:db8::2", false},
        {"2001:db8::2/127", "2001:db8::3", true},
        {"::/0", "ffff::", true},
        /* Families are apart, and a mapped address is an IPv4 address. */
        {"::/0", "192.0.2.1", false},
        {"0.0.0.0/0", "::1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"::ffff:10.0.0.0/8", "10.1.1.1", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct network network = network_of(cases[i].network);
        struct peer_address address = peer_of(cases[i].address);
        if (network_contains(&network, &address) != cases[i].inside) {
            fail_msg("%s in %s", cases[i].address, cases[i].network);
        }
    }
}

static void who_has_no_address_is_in_no_network(void **state)
{
    (void)state;
    struct peer_address local = {.family = AF_UNIX};
    struct network all_v4 = network_of("0.0.0.0/0");
    struct network all_v6 = network_of("::/0");
    assert_false(network_contains(&all_v4, &local));
    assert_false(network_contains(&all_v6, &local));
}

static void ports_do_not_matter(void **state)
{
    (void)state;
    struct network network = network_of("192.0.2.0/24");
    struct peer_address address = peer_of("192.0.2.9");
    address.port = 4711;
    assert_true(network_contains(&network, &address));
}

static void what_is_no_network_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "/8",
        "10",
        "10.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/8 ",
        " 10.0.0.0/8",
        "10.0.0.0/ 8",
        "10.0.0.0/8/8",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/0x8",
        "10.0.0.0/4294967304",
        "10.0.0.0:80/8",
        "10.0.0.256/32",
        "fd00::/129",
        "fd00::/999",
        "fd00:::/8",
        "[fd00::]/8",
        "fd00::%eth0/64",
        "localhost",
        "example.com/8",
        "all",
        /* Bits behind the prefix: somebody meant something else. */
        "10.0.0.1/8",
        "192.168.1.129/25",
        "0.0.0.1/0",
        "128.0.0.0/0",
        "2001:db8::1/64",
        "2001:db8:8000::/32",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct network network;
        const char *reason = NULL;
        if (network_parse(span_from_string(texts[i]), &network, &reason) != -EINVAL) {
            fail_msg("accepted: %s", texts[i]);
        }
        assert_non_null(reason);
        assert_true(reason[0] != '\0' && strchr(reason, '\n') == NULL);
    }
    struct network network;
    const char *reason = NULL;
    assert_int_equal(network_parse((struct span){NULL, 0}, &network, &reason), -EINVAL);
    assert_int_equal(network_parse(span_of("10.0.0.0\0/8", 11), &network, &reason), -EINVAL);
}

/* Each prefix length against a bit by bit comparison. */
static void every_prefix_length_compares_its_bits(void **state)
{
    (void)state;
    for (unsigned prefix = 0; prefix <= 128; prefix++) {
        struct network network = {.family = AF_INET6, .prefix_bits = (uint8_t)prefix};
        for (unsigned bit = 0; bit < 128; bit++) {
            struct peer_address address = {.family = AF_INET6};
            address.bytes[bit / 8] = (uint8_t)(0x80 >> bit % 8);
            assert_int_equal(network_contains(&network, &address), bit >= prefix);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_contain_what_shares_their_prefix),
        cmocka_unit_test(who_has_no_address_is_in_no_network),
        cmocka_unit_test(ports_do_not_matter),
        cmocka_unit_test(what_is_no_network_is_refused_with_a_reason),
        cmocka_unit_test(every_prefix_length_compares_its_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

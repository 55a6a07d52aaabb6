#include "net/network.h"

#include <errno.h>

static int refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return -EINVAL;
}

static bool bit_is_set(const uint8_t *bytes, unsigned bit)
{
    return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

int network_parse(struct span text, struct network *ret_network, const char **ret_reason)
{
    const char *slash = text.length == 0 ? NULL : memchr(text.data, '/', text.length);
    size_t host_length = slash == NULL ? text.length : (size_t)(slash - text.data);
    struct peer_address address;
    if (!peer_address_parse(span_of(text.data, host_length), &address)) {
        return refuse("expected an IPv4 or IPv6 network such as 10.0.0.0/8", ret_reason);
    }
    unsigned all_bits = address.family == AF_INET ? 32 : 128;
    unsigned prefix_bits = all_bits;
    if (slash != NULL) {
        struct span digits = span_after(text, host_length + 1);
        prefix_bits = 0;
        for (size_t i = 0; i < digits.length; i++) {
            if (digits.data[i] < '0' || digits.data[i] > '9' || i == 3) {
                return refuse("the prefix length must be a number", ret_reason);
            }
            prefix_bits = prefix_bits * 10 + (unsigned)(digits.data[i] - '0');
        }
        if (digits.length == 0 || prefix_bits > all_bits) {
            return refuse("the prefix length must be 0 to 32, or to 128 for IPv6", ret_reason);
        }
    }
    for (unsigned bit = prefix_bits; bit < all_bits; bit++) {
        if (bit_is_set(address.bytes, bit)) {
            return refuse("the address has bits set behind the prefix", ret_reason);
        }
    }
    *ret_network = (struct network){.family = address.family, .prefix_bits = (uint8_t)prefix_bits};
    memcpy(ret_network->bytes, address.bytes, sizeof address.bytes);
    return 0;
}

bool network_contains(const struct network *network, const struct peer_address *address)
{
    if (network->family != address->family) {
        return false;
    }
    unsigned whole = network->prefix_bits / 8;
    unsigned rest = network->prefix_bits % 8;
    if (memcmp(network->bytes, address->bytes, whole) != 0) {
        return false;
    }
    return rest == 0 || (network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

/*
 * Networks in CIDR notation (RFC 4632; RFC 4291, section 2.3). Pure functions, any thread.
 */
#pragma once

#include "base/compiler.h"
#include "net/address.h"

struct network {
    uint8_t bytes[16];
    uint8_t family;      /* AF_INET or AF_INET6 */
    uint8_t prefix_bits; /* 0 to 32 or 128 */
};

/*
 * Reads `10.0.0.0/8`, `fd00::/8` or a single address. Bits behind the prefix must be zero, so that
 * a slip of the pen is told. Returns 0, or -EINVAL with a constant text in `*ret_reason`.
 */
WARN_UNUSED int network_parse(struct span text, struct network *ret_network,
                              const char **ret_reason);

bool network_contains(const struct network *network, const struct peer_address *address);

/*
 * Who asked, when proxies stand between: X-Forwarded-For and Forwarded (RFC 7239) are believed as
 * far as trusted networks wrote them. Pure functions, any thread.
 */
#pragma once

#include "http/request.h"
#include "net/network.h"

struct trusted_networks {
    const struct network *networks; /* not owned */
    size_t count;
};

/*
 * Replaces `*client`, which is the peer, by the client that the fields name: from the right, the
 * first address that is not in a trusted network, or the leftmost when all are. Where an element
 * is no address, what is left of it is not believed. Does nothing unless the peer is trusted.
 */
void client_address_find(const struct request *request, const struct trusted_networks *trusted,
                         struct peer_address *client);

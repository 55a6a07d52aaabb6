#include "app/field_copy.h"

#include "base/compiler.h"
#include "http/list.h"
#include "http/scan.h"

/*
 * Never copied, in lower case. Grouped by the reason:
 * - hop-by-hop and framing (RFC 9110, sections 7.6.1 and 6.6; RFC 9112): they belong to the
 *   connection, or say where a message ends;
 * - what this server says itself in the answer;
 * - what only a server may say, or what makes a client do something: a request that could have it
 *   repeated could set cookies, redirect, or open an origin up in somebody else's browser;
 * - credentials, which must not show up in a place that is cached, logged or read by a script.
 * An entry that ends in "-" stands for all names that start with it.
 */
static const struct span refused_names[] = {
    {"connection", 10},
    {"keep-alive", 10},
    {"te", 2},
    {"trailer", 7},
    {"transfer-encoding", 17},
    {"upgrade", 7},
    {"http2-settings", 14},
    {"expect", 6},

    {"date", 4},
    {"server", 6},
    {"version", 7},
    {"server-timing", 13},
    {"x-injected", 10},

    {"set-cookie", 10},
    {"set-cookie2", 11},
    {"set-login", 9},
    {"login-status", 12},
    {"location", 8},
    {"refresh", 7},
    {"link", 4},
    {"sourcemap", 9},
    {"x-sourcemap", 11},
    {"www-authenticate", 16},
    {"authentication-info", 19},
    {"retry-after", 11},
    {"alt-svc", 7},
    {"clear-site-data", 15},
    {"strict-transport-security", 25},
    {"public-key-pins", 15},
    {"expect-ct", 9},
    {"nel", 3},
    {"report-to", 9},
    {"reporting-endpoints", 19},
    {"referrer-policy", 15},
    {"permissions-policy", 18},
    {"feature-policy", 14},
    {"document-policy", 15},
    {"origin-agent-cluster", 20},
    {"origin-trial", 12},
    {"service-worker-allowed", 22},
    {"speculation-rules", 17},
    {"supports-loading-mode", 21},
    {"timing-allow-origin", 19},
    {"activate-storage-access", 23},
    {"accept-ch", 9},
    {"critical-ch", 11},
    {"observe-browsing-topics", 23},
    {"use-as-dictionary", 17},
    {"age", 3},
    {"allow", 5},
    {"cache-control", 13},
    {"pragma", 6},
    {"expires", 7},
    {"etag", 4},
    {"last-modified", 13},
    {"vary", 4},
    {"warning", 7},
    {"no-vary-search", 14},
    {"accept-ranges", 13},
    {"x-frame-options", 15},
    {"x-xss-protection", 16},
    {"x-content-type-options", 22},
    {"x-dns-prefetch-control", 22},
    {"x-robots-tag", 12},
    {"x-permitted-cross-domain-policies", 33},
    {"x-sendfile", 10},
    {"x-reproxy-url", 13},
    {"surrogate-control", 17},
    {"cdn-cache-control", 17},

    {"authorization", 13},
    {"cookie", 6},
    {"cookie2", 7},

    {"content-", 8}, /* they would describe the answer's content */
    {"access-control-", 15},
    {"cross-origin-", 13},
    {"attribution-reporting-", 22},
    {"ad-auction-", 11},
    {"proxy-", 6}, /* hop-by-hop, and credentials */
    {"sec-", 4},
    {"x-accel-", 8},
};

#define NAME_HASHES 512

/*
 * Nearly every name that is copied is settled by a look at a set of hashes and one at how long the
 * shortest prefix with its first letter is: two cache lines. What is left is looked for among the
 * names and prefixes of that letter, in lists of positions plus one.
 */
static struct {
    _Alignas(CACHE_LINE_BYTES) uint64_t hashes[NAME_HASHES / 64];
    uint8_t shortest_prefix[32];
    uint8_t prefixes[32];
    uint8_t names[32];
} refused_index = {.shortest_prefix = {[0 ... 31] = UINT8_MAX}};
static uint8_t next_in_list[ARRAY_LENGTH(refused_names)];

_Static_assert(ARRAY_LENGTH(refused_names) < UINT8_MAX, "positions fit");

static unsigned letter_of(const char *name)
{
    return (unsigned)name[0] & 31;
}

/* The same in any case. With these factors no usual name has the hash of a refused one. */
static unsigned hash_of(struct span name)
{
    unsigned last = (unsigned)name.data[name.length - 1] & 31;
    return (letter_of(name.data) * 23 + last + (unsigned)name.length * 30) % NAME_HASHES;
}

static bool is_prefix(struct span refused)
{
    return refused.data[refused.length - 1] == '-';
}

__attribute__((constructor)) static void index_names(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(refused_names); i++) {
        struct span refused = refused_names[i];
        unsigned letter = letter_of(refused.data);
        uint8_t *list = refused_index.names;
        if (is_prefix(refused)) {
            list = refused_index.prefixes;
            uint8_t *shortest = &refused_index.shortest_prefix[letter];
            *shortest = refused.length < *shortest ? (uint8_t)refused.length : *shortest;
        } else {
            unsigned hash = hash_of(refused);
            refused_index.hashes[hash / 64] |= UINT64_C(1) << hash % 64;
        }
        next_in_list[i] = list[letter];
        list[letter] = (uint8_t)(i + 1);
    }
}

static NO_INLINE bool has_refused_prefix(struct span name)
{
    for (uint8_t at = refused_index.prefixes[letter_of(name.data)]; at != 0;
         at = next_in_list[at - 1]) {
        struct span prefix = refused_names[at - 1];
        if (name.length >= prefix.length &&
            scan_token_is(name.data, prefix.length, prefix.data, prefix.length)) {
            return true;
        }
    }
    return false;
}

static NO_INLINE bool is_refused_name(struct span name)
{
    for (uint8_t at = refused_index.names[letter_of(name.data)]; at != 0;
         at = next_in_list[at - 1]) {
        struct span refused = refused_names[at - 1];
        if (scan_token_is(name.data, name.length, refused.data, refused.length)) {
            return true;
        }
    }
    return false;
}

static ALWAYS_INLINE bool may_be_copied(struct span name, unsigned hash)
{
    bool may_be_name = (refused_index.hashes[hash / 64] >> hash % 64 & 1) != 0;
    bool may_have_prefix = name.length >= refused_index.shortest_prefix[letter_of(name.data)];
    return !(UNLIKELY(may_be_name) && is_refused_name(name)) &&
           !(may_have_prefix && has_refused_prefix(name));
}

bool field_may_be_copied(struct span name)
{
    return may_be_copied(name, hash_of(name));
}

static bool is_named_by_connection(struct span connection, struct span name)
{
    struct span element;
    while (list_next(&connection, &element)) {
        if (span_equals_ignoring_case(element, name)) {
            return true;
        }
    }
    return false;
}

/* Whether Connection, in any of its lines, names the field: then it is hop-by-hop. */
static bool is_hop_by_hop(const struct request *request, struct span name)
{
    if (LIKELY(request->connection.length == 0)) {
        return false;
    }
    for (uint32_t i = 0; i < request->field_count; i++) {
        if (span_equals_ignoring_case(request->fields[i].name, SPAN("connection")) &&
            is_named_by_connection(request->fields[i].value, name)) {
            return true;
        }
    }
    return false;
}

static bool came_before(const struct request *request, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (span_equals_ignoring_case(request->fields[i].name, request->fields[index].name)) {
            return true;
        }
    }
    return false;
}

void field_copy_all(const struct request *request, struct buffer *output)
{
    uint64_t seen = 0; /* of the hash: only names that share one are compared */
    /* Lines that are next to each other are copied as they came, in one go. */
    const char *run = NULL;
    for (uint32_t i = 0; i < request->field_count; i++) {
        struct span name = request->fields[i].name;
        unsigned hash = hash_of(name);
        bool repeated = (seen >> hash % 64 & 1) != 0 && came_before(request, i);
        seen |= UINT64_C(1) << hash % 64;
        bool copied = !repeated && may_be_copied(name, hash) && !is_hop_by_hop(request, name);
        if (copied && run == NULL) {
            run = name.data;
        } else if (!copied && run != NULL) {
            buffer_append(output, run, (size_t)(name.data - run));
            run = NULL;
        }
    }
    if (run != NULL) {
        buffer_append(output, run, (size_t)(request->fields_end - run));
    }
}

#include "app/client_address.h"

#include "http/list.h"

static bool is_trusted(const struct trusted_networks *trusted, const struct peer_address *address)
{
    for (size_t i = 0; i < trusted->count; i++) {
        if (network_contains(&trusted->networks[i], address)) {
            return true;
        }
    }
    return false;
}

/* Behind an address: nothing, or a port, which may be obfuscated (RFC 7239, section 6). */
static bool is_port_or_nothing(struct span text)
{
    if (text.length == 0) {
        return true;
    }
    if (text.length == 1 || text.data[0] != ':') {
        return false;
    }
    for (size_t i = 1; i < text.length && text.data[1] != '_'; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* What a quoted string says: a backslash stands for what follows it (RFC 9110, section 5.6.4).
   Empty when it does not fit. */
static struct span unquote(struct span inner, char *memory, size_t capacity)
{
    size_t length = 0;
    for (size_t i = 0; i < inner.length; i++) {
        if (inner.data[i] == '\\' && i + 1 < inner.length) {
            i++;
        }
        if (length == capacity) {
            return SPAN("");
        }
        memory[length++] = inner.data[i];
    }
    return span_of(memory, length);
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80", also in quotes. */
static bool parse_node(struct span text, struct peer_address *ret_address)
{
    char unquoted[96]; /* an address and an obfuscated port have room */
    if (text.length >= 2 && text.data[0] == '"' && text.data[text.length - 1] == '"') {
        text = unquote(span_of(text.data + 1, text.length - 2), unquoted, sizeof unquoted);
    }
    if (peer_address_parse(text, ret_address)) {
        return true;
    }
    bool brackets = text.length > 0 && text.data[0] == '[';
    const char *end =
        text.length == 0 ? NULL : memchr(text.data, brackets ? ']' : ':', text.length);
    if (end == NULL) {
        return false;
    }
    struct span host = span_of(text.data, (size_t)(end - text.data));
    struct span port = span_after(text, host.length + brackets);
    host = span_after(host, brackets);
    bool is_v6 = host.length > 0 && memchr(host.data, ':', host.length) != NULL;
    return is_v6 == brackets && is_port_or_nothing(port) && peer_address_parse(host, ret_address);
}

/*
 * Whether the quoted strings of a Forwarded line are whole values, each closed: who writes to the
 * left of a proxy must not be able to swallow, or to split, what that proxy appends.
 */
static bool quotes_are_whole(struct span line)
{
    bool inside = false;
    for (size_t i = 0; i < line.length; i++) {
        char c = line.data[i];
        if (c == '\\') {
            if (!inside) {
                return false;
            }
            i++; /* what is behind it is itself */
        } else if (c == '"' && !inside) {
            if (i == 0 || line.data[i - 1] != '=') {
                return false;
            }
            inside = true;
        } else if (c == '"') {
            if (i + 1 < line.length && memchr(",; \t", line.data[i + 1], 4) == NULL) {
                return false;
            }
            inside = false;
        }
    }
    return !inside;
}

/*
 * Takes the part behind the last separator that is in no quoted string off a text whose quotes are
 * whole; trimmed, maybe empty. False when there is none left.
 */
static bool take_last_part(struct span *text, char separator, struct span *ret_part)
{
    if (text->length == 0) {
        return false;
    }
    bool inside = false;
    size_t start = text->length;
    while (start > 0 && (inside || text->data[start - 1] != separator)) {
        start--;
        /* From the right: inside, all quotes but the opening one are behind a backslash. */
        if (text->data[start] == '"' && !(inside && text->data[start - 1] == '\\')) {
            inside = !inside;
        }
    }
    *ret_part = span_trim(span_after(*text, start));
    text->length = start == 0 ? 0 : start - 1;
    return true;
}

/* The node of "for=" in an element of Forwarded; empty when there is none. */
static struct span forwarded_for(struct span element)
{
    struct span pair;
    while (take_last_part(&element, ';', &pair)) {
        if (pair.length > 4 && span_equals_ignoring_case(span_of(pair.data, 4), SPAN("for="))) {
            return span_after(pair, 4);
        }
    }
    return SPAN("");
}

/* The last node that a field's line names. False when there is none left. */
static bool take_last_node(struct span *line, bool forwarded, struct span *ret_node)
{
    if (!forwarded) {
        return list_take_last(line, ret_node);
    }
    struct span element = SPAN("");
    while (element.length == 0 && take_last_part(line, ',', &element)) {
    }
    *ret_node = forwarded_for(element);
    return element.length > 0;
}

/* Walks a field's lines from the last element to the first. False when there is no such field. */
static bool walk(const struct request *request, struct span name, bool forwarded,
                 const struct trusted_networks *trusted, struct peer_address *client)
{
    bool found = false;
    for (uint32_t i = request->field_count; i-- > 0;) {
        const struct request_field *field = &request->fields[i];
        if (!span_equals_ignoring_case(field->name, name)) {
            continue;
        }
        found = true;
        if (forwarded && !quotes_are_whole(field->value)) {
            return true;
        }
        struct span line = field->value;
        struct span node;
        while (take_last_node(&line, forwarded, &node)) {
            struct peer_address address;
            if (!parse_node(node, &address)) {
                return true;
            }
            *client = address;
            if (!is_trusted(trusted, &address)) {
                return true;
            }
        }
    }
    return found;
}

void client_address_find(const struct request *request, const struct trusted_networks *trusted,
                         struct peer_address *client)
{
    if (trusted->count == 0 || !is_trusted(trusted, client)) {
        return;
    }
    if (!walk(request, SPAN("x-forwarded-for"), false, trusted, client)) {
        (void)walk(request, SPAN("forwarded"), true, trusted, client);
    }
}

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

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80", also in quotes. */
static bool parse_node(struct span text, struct peer_address *ret_address)
{
    if (text.length >= 2 && text.data[0] == '"' && text.data[text.length - 1] == '"') {
        text = span_of(text.data + 1, text.length - 2);
    }
    if (text.length > 0 && text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.length);
        return close != NULL &&
               peer_address_parse(span_of(text.data + 1, (size_t)(close - text.data) - 1),
                                  ret_address);
    }
    if (peer_address_parse(text, ret_address)) {
        return true;
    }
    const char *colon = text.length == 0 ? NULL : memchr(text.data, ':', text.length);
    return colon != NULL &&
           peer_address_parse(span_of(text.data, (size_t)(colon - text.data)), ret_address);
}

/* The node of "for=" in an element of Forwarded; empty when there is none. */
static struct span forwarded_for(struct span element)
{
    while (element.length > 0) {
        const char *semicolon = memchr(element.data, ';', element.length);
        size_t length = semicolon == NULL ? element.length : (size_t)(semicolon - element.data);
        struct span pair = span_trim(span_of(element.data, length));
        if (pair.length > 4 && span_equals_ignoring_case(span_of(pair.data, 4), SPAN("for="))) {
            return span_after(pair, 4);
        }
        element = span_after(element, semicolon == NULL ? length : length + 1);
    }
    return SPAN("");
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
        struct span list = field->value;
        struct span element;
        while (list_take_last(&list, &element)) {
            struct peer_address address;
            if (!parse_node(forwarded ? forwarded_for(element) : element, &address)) {
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

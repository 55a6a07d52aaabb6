#include "http/head_facts.h"

#include "http/authority.h"
#include "http/list.h"
#include "http/scan.h"

/* Of all Connection fields: the application looks each other field up in them. */
#define MAX_CONNECTION_BYTES 1024

COLD enum request_result head_refuse(struct request_error *error, uint16_t status,
                                     const char *reason)
{
    *error = (struct request_error){.status = status, .reason = reason};
    return REQUEST_REFUSED;
}

static enum request_result take_content_length(struct span value, struct request *request,
                                               struct head_facts *facts,
                                               struct request_error *error)
{
    if (facts->has_content_length) {
        return head_refuse(error, 400, "more than one Content-Length");
    }
    facts->has_content_length = true;
    if (value.length == 0 || value.length > 19) {
        return head_refuse(error, 400, "the Content-Length is not a number that fits");
    }
    uint64_t length = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return head_refuse(error, 400, "the Content-Length is not a number that fits");
        }
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    request->content_length = length;
    return REQUEST_COMPLETE;
}

/* The codings of all lines are one list (RFC 9110, section 5.3): judged when it is complete. */
static void take_transfer_encoding(struct span value, struct head_facts *facts)
{
    facts->has_transfer_encoding = true;
    struct span element;
    while (list_next(&value, &element)) {
        facts->chunked_is_repeated |= facts->chunked_is_last;
        facts->chunked_is_last = span_equals_ignoring_case(element, SPAN("chunked"));
        facts->has_other_coding |= !facts->chunked_is_last;
    }
}

static enum request_result take_connection(struct span value, struct request *request,
                                           struct head_facts *facts, struct request_error *error)
{
    facts->connection_bytes += value.length;
    if (facts->connection_bytes > MAX_CONNECTION_BYTES) {
        return head_refuse(error, 431, "the Connection fields are too long");
    }
    if (value.length > 0) {
        request->connection = value;
    }
    struct span element;
    while (list_next(&value, &element)) {
        facts->wants_close |= span_equals_ignoring_case(element, SPAN("close"));
        facts->wants_keep_alive |= span_equals_ignoring_case(element, SPAN("keep-alive"));
    }
    return REQUEST_COMPLETE;
}

static enum request_result take_host(struct span value, struct request *request,
                                     struct head_facts *facts, struct request_error *error)
{
    if (facts->has_host) {
        return head_refuse(error, 400, "more than one Host");
    }
    facts->has_host = true;
    if (!authority_is_valid(value)) {
        return head_refuse(error, 400, "the Host is not valid");
    }
    if (request->host.length == 0) { /* an absolute target goes before (RFC 9112, section 3.2.2) */
        request->host = value;
    }
    return REQUEST_COMPLETE;
}

/* A name of an application's own, as it was the habit before RFC 6648. */
static inline bool is_x_name(struct span name)
{
    return (name.data[0] | 0x20) == 'x' && name.data[1] == '-';
}

/* Fields that mean something to the server itself, told apart by length first: it is known. */
enum request_result head_facts_take(struct head_facts *facts, const struct request_field *field,
                                    struct request *request, struct request_error *error)
{
    struct span name = field->name;
#define IS(literal) scan_token_is(name.data, name.length, literal, sizeof(literal) - 1)
    switch (name.length) {
    case 4:
        return IS("host") ? take_host(field->value, request, facts, error) : REQUEST_COMPLETE;
    case 6:
        if (IS("expect") && request->minor_version > 0) {
            if (!span_equals_ignoring_case(field->value, SPAN("100-continue"))) {
                return head_refuse(error, 417, "the expectation is not 100-continue");
            }
            request->expects_continue = true;
        }
        request->has_x_field |= is_x_name(name);
        return REQUEST_COMPLETE;
    case 7:
    case 8:
        request->has_x_field |= is_x_name(name);
        return REQUEST_COMPLETE;
    case 10:
        return IS("connection") ? take_connection(field->value, request, facts, error)
                                : REQUEST_COMPLETE;
    case 11:
        if (IS("traceparent") && request->traceparent.data == NULL) {
            request->traceparent = field->value;
        }
        request->has_x_field |= is_x_name(name);
        return REQUEST_COMPLETE;
    case 14:
        return IS("content-length") ? take_content_length(field->value, request, facts, error)
                                    : REQUEST_COMPLETE;
    case 17:
        if (IS("transfer-encoding")) {
            take_transfer_encoding(field->value, facts);
        }
        return REQUEST_COMPLETE;
    default:
        return REQUEST_COMPLETE;
    }
#undef IS
}

/*
 * Without chunked as the last coding nobody can tell where the body ends: 400, whatever the codings
 * are (RFC 9112, section 6.3). With it an unknown coding in front is 501 (section 6.1).
 */
static enum request_result check_framing(const struct head_facts *facts,
                                         struct request_error *error)
{
    if (!facts->has_transfer_encoding) {
        return REQUEST_COMPLETE;
    }
    if (facts->has_content_length) {
        return head_refuse(error, 400, "both Transfer-Encoding and Content-Length");
    }
    if (!facts->chunked_is_last || facts->chunked_is_repeated) {
        return head_refuse(error, 400, "chunked must be the last transfer coding, and only once");
    }
    if (facts->has_other_coding) {
        return head_refuse(error, 501, "the transfer coding is not supported");
    }
    return REQUEST_COMPLETE;
}

enum request_result head_facts_finish(const struct head_facts *facts, struct request *request,
                                      struct request_error *error)
{
    if (!facts->has_host && request->minor_version > 0) {
        return head_refuse(error, 400, "HTTP/1.1 requests need a Host");
    }
    enum request_result result = check_framing(facts, error);
    if (result != REQUEST_COMPLETE) {
        return result;
    }
    request->chunked = facts->chunked_is_last;
    request->keep_alive =
        !facts->wants_close &&
        (request->minor_version > 0 || (facts->wants_keep_alive && !facts->has_transfer_encoding));
    if (request->method == METHOD_OTHER) {
        return head_refuse(error, 501, "the method is not known");
    }
    return REQUEST_COMPLETE;
}

#include "http/request.h"

#include "http/authority.h"
#include "http/list.h"
#include "http/scan.h"

/* Longer than any method there is (RFC 9112, section 3: SHOULD be answered 501). */
#define MAX_METHOD_BYTES 64
/* Of all Connection fields: the application looks each other field up in them. */
#define MAX_CONNECTION_BYTES 1024

/* What the fields say that decide about framing and routing, gathered while they go by. */
struct head_facts {
    bool has_host;
    bool has_content_length;
    bool has_transfer_encoding;
    bool chunked_is_last;     /* of the transfer codings so far */
    bool chunked_is_repeated; /* or has another coding behind it */
    bool has_other_coding;
    bool wants_close;
    bool wants_keep_alive;
    size_t connection_bytes;
};

static COLD enum request_result refuse(struct request_error *error, uint16_t status,
                                       const char *reason)
{
    *error = (struct request_error){.status = status, .reason = reason};
    return REQUEST_REFUSED;
}

/*
 * Looks at the line end that should be at `at`. A CR without LF, an LF without CR and any other
 * control byte are refused: RFC 9112 section 2.2 allows a recipient to take a bare LF, and two
 * that decide differently see different requests.
 */
static NO_INLINE enum request_result explain_line_end(const char *at, const char *end,
                                                      struct request_error *error)
{
    if (at == end) {
        return REQUEST_INCOMPLETE;
    }
    if (*at == '\n') {
        return refuse(error, 400, "line feed without carriage return");
    }
    if (*at != '\r') {
        return refuse(error, 400, "control character in the request's head");
    }
    if (at + 1 == end) {
        return REQUEST_INCOMPLETE;
    }
    return refuse(error, 400, "carriage return without line feed");
}

static ALWAYS_INLINE enum request_result expect_line_end(const char *at, const char *end,
                                                         struct request_error *error)
{
    if (LIKELY(end - at >= 2 && at[0] == '\r' && at[1] == '\n')) {
        return REQUEST_COMPLETE;
    }
    return explain_line_end(at, end, error);
}

/* Splits "http://authority/path?query" or "/path?query" (RFC 9112, section 3.2). */
static bool split_target(struct request *request, bool *ret_https)
{
    *ret_https = false;
    struct span rest = request->target;
    if (rest.data[0] != '/') {
        static const struct span schemes[] = {{"http://", 7}, {"https://", 8}};
        size_t scheme_bytes = 0;
        for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
            size_t length = schemes[i].length;
            if (rest.length >= length &&
                span_equals_ignoring_case(span_of(rest.data, length), schemes[i])) {
                scheme_bytes = length;
                *ret_https = i > 0;
            }
        }
        if (scheme_bytes == 0) {
            return false;
        }
        rest = span_after(rest, scheme_bytes);
        size_t host_bytes = 0;
        while (host_bytes < rest.length && rest.data[host_bytes] != '/' &&
               rest.data[host_bytes] != '?') {
            host_bytes++;
        }
        request->host = span_of(rest.data, host_bytes);
        if (!authority_is_valid(request->host)) {
            return false;
        }
        rest = span_after(rest, host_bytes);
    }
    const char *mark = rest.length == 0 ? NULL : memchr(rest.data, '?', rest.length);
    request->path = mark == NULL ? rest : span_of(rest.data, (size_t)(mark - rest.data));
    request->query = mark == NULL ? SPAN("") : span_after(rest, request->path.length + 1);
    if (request->path.length == 0) {
        request->path = SPAN("/");
    }
    return memchr(rest.data, '#', rest.length) == NULL;
}

static enum request_result check_target(struct request *request, struct request_error *error)
{
    if (request->method == METHOD_CONNECT) {
        return refuse(error, 501, "CONNECT is not supported");
    }
    if (span_equals(request->target, SPAN("*"))) {
        request->asterisk = true;
        request->path = request->target;
        return request->method == METHOD_OPTIONS
                   ? REQUEST_COMPLETE
                   : refuse(error, 400, "the target * is for OPTIONS only");
    }
    if (span_equals(request->target, SPAN("/"))) {
        request->path = request->target; /* the target of nearly every request here */
        return REQUEST_COMPLETE;
    }
    bool https = false;
    if (!split_target(request, &https)) {
        return refuse(error, 400, "the request's target is not valid");
    }
    /* There is no TLS here: who wants what TLS protects must not get it without (RFC 9110, 7.4). */
    return https ? refuse(error, 421, "an https target needs a connection with TLS")
                 : REQUEST_COMPLETE;
}

/* "HTTP/1.1" and the line's end. */
static enum request_result parse_version(const char **at, const char *end, struct request *request,
                                         struct request_error *error)
{
    static const char expected[] = "HTTP/";
    static const char usual[] = "HTTP/1.1\r\n";
    const char *from = *at;
    if (LIKELY((size_t)(end - from) >= sizeof usual - 1 &&
               memcmp(from, usual, sizeof usual - 1) == 0)) {
        request->minor_version = 1;
        *at = from + sizeof usual - 1;
        return REQUEST_COMPLETE;
    }
    for (size_t i = 0; i < sizeof expected - 1; i++) {
        if (from + i == end) {
            return REQUEST_INCOMPLETE;
        }
        if (from[i] != expected[i]) {
            return refuse(error, 400, "expected an HTTP version behind the target");
        }
    }
    from += sizeof expected - 1;
    if (end - from < 3) {
        return REQUEST_INCOMPLETE;
    }
    bool is_version =
        from[0] >= '0' && from[0] <= '9' && from[1] == '.' && from[2] >= '0' && from[2] <= '9';
    if (!is_version) {
        return refuse(error, 400, "expected an HTTP version behind the target");
    }
    enum request_result result = expect_line_end(from + 3, end, error);
    if (result == REQUEST_REFUSED && from + 3 < end && *(from + 3) != '\r' && *(from + 3) != '\n') {
        error->reason = "expected the line's end behind the HTTP version";
    }
    if (result != REQUEST_COMPLETE) {
        return result;
    }
    if (from[0] != '1') {
        return refuse(error, 505, "only HTTP/1.0 and HTTP/1.1 are supported");
    }
    /* A higher minor version is answered as the highest that is known (RFC 9110, section 2.5). */
    request->minor_version = from[2] == '0' ? 0 : 1;
    *at = from + 5;
    return REQUEST_COMPLETE;
}

static enum request_result parse_request_line(const char **at, const char *end,
                                              struct request *request, struct request_error *error)
{
    const char *from = *at;
    const char *method_end = scan_token(from, end);
    if (method_end - from > MAX_METHOD_BYTES) {
        return refuse(error, 501, "the method is not known");
    }
    if (method_end == end) {
        return REQUEST_INCOMPLETE;
    }
    if (method_end == from || *method_end != ' ') {
        return refuse(error, 400, "the request does not start with a method and a space");
    }
    request->method_name = span_of(from, (size_t)(method_end - from));
    request->method = method_from(request->method_name);
    from = method_end + 1;
    const char *target_end = scan_target(from, end);
    if (target_end == end) {
        return REQUEST_INCOMPLETE;
    }
    if (target_end == from || *target_end != ' ') {
        return refuse(error, 400, "the request's target is not valid");
    }
    request->target = span_of(from, (size_t)(target_end - from));
    from = target_end + 1;
    enum request_result result = parse_version(&from, end, request, error);
    if (result == REQUEST_COMPLETE) {
        result = check_target(request, error);
    }
    *at = from;
    return result;
}

static enum request_result take_content_length(struct span value, struct request *request,
                                               struct head_facts *facts,
                                               struct request_error *error)
{
    if (facts->has_content_length) {
        return refuse(error, 400, "more than one Content-Length");
    }
    facts->has_content_length = true;
    if (value.length == 0 || value.length > 19) {
        return refuse(error, 400, "the Content-Length is not a number that fits");
    }
    uint64_t length = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return refuse(error, 400, "the Content-Length is not a number that fits");
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
        return refuse(error, 431, "the Connection fields are too long");
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
        return refuse(error, 400, "more than one Host");
    }
    facts->has_host = true;
    if (!authority_is_valid(value)) {
        return refuse(error, 400, "the Host is not valid");
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

/*
 * Whether a field may be one of those below, by its length and first letter: nearly all others are
 * told apart by that.
 */
static bool may_concern_server(struct span name)
{
    const uint32_t lengths =
        1U << 4 | 1U << 6 | 1U << 7 | 1U << 8 | 1U << 10 | 1U << 11 | 1U << 14 | 1U << 17;
    const uint32_t letters = 1U << ('h' & 31) | 1U << ('e' & 31) | 1U << ('c' & 31) |
                             1U << ('t' & 31) | 1U << ('x' & 31);
    return name.length < 32 && (lengths >> name.length & letters >> (name.data[0] & 31) & 1) != 0;
}

/* Fields that mean something to the server itself, told apart by length first: it is known. */
static NO_INLINE enum request_result take_field(const struct request_field *field,
                                                struct request *request, struct head_facts *facts,
                                                struct request_error *error)
{
    struct span name = field->name;
#define IS(literal) scan_token_is(name.data, name.length, literal, sizeof(literal) - 1)
    switch (name.length) {
    case 4:
        return IS("host") ? take_host(field->value, request, facts, error) : REQUEST_COMPLETE;
    case 6:
        if (IS("expect") && request->minor_version > 0) {
            if (!span_equals_ignoring_case(field->value, SPAN("100-continue"))) {
                return refuse(error, 417, "the expectation is not 100-continue");
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

/* Where a field's name should be something else is: the empty line at the end, or a fault. */
static NO_INLINE enum request_result explain_no_field(const char *from, const char *end,
                                                      struct request_error *error)
{
    const char *name_end = scan_token(from, end);
    if (name_end == end) {
        return REQUEST_INCOMPLETE;
    }
    if (*from == '\r' || *from == '\n') {
        return explain_line_end(from, end, error);
    }
    if (*from == ' ' || *from == '\t') {
        return refuse(error, 400, "folded field line");
    }
    if (*name_end == '\n') {
        return refuse(error, 400, "line feed without carriage return");
    }
    return refuse(error, 400, "the field name is not a token followed by a colon");
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
        return refuse(error, 400, "both Transfer-Encoding and Content-Length");
    }
    if (!facts->chunked_is_last || facts->chunked_is_repeated) {
        return refuse(error, 400, "chunked must be the last transfer coding, and only once");
    }
    if (facts->has_other_coding) {
        return refuse(error, 501, "the transfer coding is not supported");
    }
    return REQUEST_COMPLETE;
}

/* What can only be said when all fields are known (RFC 9112, sections 3.2, 6.1 and 9.3). */
static enum request_result finish_head(struct request *request, const struct head_facts *facts,
                                       struct request_error *error)
{
    if (!facts->has_host && request->minor_version > 0) {
        return refuse(error, 400, "HTTP/1.1 requests need a Host");
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
        return refuse(error, 501, "the method is not known");
    }
    return REQUEST_COMPLETE;
}

static enum request_result parse_fields(const char **at, const char *end, struct request *request,
                                        struct request_error *error)
{
    struct head_facts facts = {0};
    const char *from = *at;
    for (;;) {
        const char *name_end = scan_token(from, end);
        if (UNLIKELY(name_end == from || name_end == end || *name_end != ':')) {
            break;
        }
        const char *value_end = scan_field_value(name_end + 1, end);
        enum request_result result = expect_line_end(value_end, end, error);
        if (UNLIKELY(result != REQUEST_COMPLETE)) {
            return result;
        }
        if (UNLIKELY(request->field_count == REQUEST_MAX_FIELDS)) {
            return refuse(error, 431, "more than 100 header fields");
        }
        struct request_field *field = &request->fields[request->field_count++];
        field->name = span_of(from, (size_t)(name_end - from));
        field->value = span_trim(span_of(name_end + 1, (size_t)(value_end - name_end - 1)));
        if (may_concern_server(field->name)) {
            result = take_field(field, request, &facts, error);
            if (UNLIKELY(result != REQUEST_COMPLETE)) {
                return result;
            }
        }
        from = value_end + 2;
    }
    if (UNLIKELY(end - from < 2 || from[0] != '\r' || from[1] != '\n')) {
        return explain_no_field(from, end, error);
    }
    request->fields_end = from;
    *at = from + 2;
    return finish_head(request, &facts, error);
}

/* Everything but the fields' array, which is long and need not be cleared. */
static void clear(struct request *request)
{
    memset(request, 0, offsetof(struct request, fields));
}

/* The limit is reached: which part of the head is to blame (RFC 9112, section 3). */
static enum request_result refuse_too_long(const struct request *request, bool line_is_complete,
                                           struct request_error *error)
{
    if (line_is_complete) {
        return refuse(error, 431, "the request's head is too large");
    }
    if (request->method_name.length == 0) {
        return refuse(error, 501, "the method is not known");
    }
    return refuse(error, 414, "the request's target is too long");
}

/* Not to be made part of its caller, which would leave both without registers. */
NO_INLINE enum request_result request_parse(struct span input, const struct request_limits *limits,
                                            struct request *ret_request, size_t *ret_head_bytes,
                                            struct request_error *ret_error)
{
    clear(ret_request);
    if (input.length == 0) {
        return REQUEST_INCOMPLETE;
    }
    const char *at = input.data;
    /* What is behind the limit is not looked at, so a head is refused as soon as it reaches it. */
    bool cut = input.length > limits->max_head_bytes;
    const char *end = input.data + (cut ? limits->max_head_bytes : input.length);
    if (at < end && *at == '\r') {
        enum request_result result = expect_line_end(at, end, ret_error);
        if (result != REQUEST_COMPLETE) {
            return result;
        }
        at += 2;
    }
    enum request_result result = parse_request_line(&at, end, ret_request, ret_error);
    bool line_is_complete = result == REQUEST_COMPLETE;
    if (line_is_complete) {
        result = parse_fields(&at, end, ret_request, ret_error);
    }
    if (result == REQUEST_INCOMPLETE && (cut || input.length == limits->max_head_bytes)) {
        return refuse_too_long(ret_request, line_is_complete, ret_error);
    }
    *ret_head_bytes = (size_t)(at - input.data);
    return result;
}

struct span request_find(const struct request *request, struct span name)
{
    for (uint32_t i = 0; i < request->field_count; i++) {
        if (span_equals_ignoring_case(request->fields[i].name, name)) {
            return request->fields[i].value;
        }
    }
    return (struct span){0};
}

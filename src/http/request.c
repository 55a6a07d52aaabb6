#include "http/request.h"

#include "http/authority.h"
#include "http/head_facts.h"
#include "http/scan.h"

/* Longer than any method there is (RFC 9112, section 3: SHOULD be answered 501). */
#define MAX_METHOD_BYTES 64

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
        return head_refuse(error, 400, "line feed without carriage return");
    }
    if (*at != '\r') {
        return head_refuse(error, 400, "control character in the request's head");
    }
    if (at + 1 == end) {
        return REQUEST_INCOMPLETE;
    }
    return head_refuse(error, 400, "carriage return without line feed");
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
        return head_refuse(error, 501, "CONNECT is not supported");
    }
    if (span_equals(request->target, SPAN("*"))) {
        request->asterisk = true;
        request->path = request->target;
        return request->method == METHOD_OPTIONS
                   ? REQUEST_COMPLETE
                   : head_refuse(error, 400, "the target * is for OPTIONS only");
    }
    if (span_equals(request->target, SPAN("/"))) {
        request->path = request->target; /* the target of nearly every request here */
        return REQUEST_COMPLETE;
    }
    bool https = false;
    if (!split_target(request, &https)) {
        return head_refuse(error, 400, "the request's target is not valid");
    }
    /* There is no TLS here: who wants what TLS protects must not get it without (RFC 9110, 7.4). */
    return https ? head_refuse(error, 421, "an https target needs a connection with TLS")
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
            return head_refuse(error, 400, "expected an HTTP version behind the target");
        }
    }
    from += sizeof expected - 1;
    if (end - from < 3) {
        return REQUEST_INCOMPLETE;
    }
    bool is_version =
        from[0] >= '0' && from[0] <= '9' && from[1] == '.' && from[2] >= '0' && from[2] <= '9';
    if (!is_version) {
        return head_refuse(error, 400, "expected an HTTP version behind the target");
    }
    enum request_result result = expect_line_end(from + 3, end, error);
    if (result == REQUEST_REFUSED && from + 3 < end && *(from + 3) != '\r' && *(from + 3) != '\n') {
        error->reason = "expected the line's end behind the HTTP version";
    }
    if (result != REQUEST_COMPLETE) {
        return result;
    }
    if (from[0] != '1') {
        return head_refuse(error, 505, "only HTTP/1.0 and HTTP/1.1 are supported");
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
        return head_refuse(error, 501, "the method is not known");
    }
    if (method_end == end) {
        return REQUEST_INCOMPLETE;
    }
    if (method_end == from || *method_end != ' ') {
        return head_refuse(error, 400, "the request does not start with a method and a space");
    }
    request->method_name = span_of(from, (size_t)(method_end - from));
    request->method = method_from(request->method_name);
    from = method_end + 1;
    const char *target_end = scan_target(from, end);
    if (target_end == end) {
        return REQUEST_INCOMPLETE;
    }
    if (target_end == from || *target_end != ' ') {
        return head_refuse(error, 400, "the request's target is not valid");
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
        return head_refuse(error, 400, "folded field line");
    }
    if (*name_end == '\n') {
        return head_refuse(error, 400, "line feed without carriage return");
    }
    return head_refuse(error, 400, "the field name is not a token followed by a colon");
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
            return head_refuse(error, 431, "more than 100 header fields");
        }
        struct request_field *field = &request->fields[request->field_count++];
        field->name = span_of(from, (size_t)(name_end - from));
        field->value = span_trim(span_of(name_end + 1, (size_t)(value_end - name_end - 1)));
        if (head_facts_may_need(field->name)) {
            result = head_facts_take(&facts, field, request, error);
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
    return head_facts_finish(&facts, request, error);
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
        return head_refuse(error, 431, "the request's head is too large");
    }
    if (request->method_name.length == 0) {
        return head_refuse(error, 501, "the method is not known");
    }
    return head_refuse(error, 414, "the request's target is too long");
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

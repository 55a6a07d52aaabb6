#include "latency/fault.h"

#include "base/assert.h"
#include "http/status.h"

#include <errno.h>

/* As 499, in nginx's numbers: the connection was closed without an answer. */
#define STATUS_NEVER_SENT 444

static const char *const place_names[] = {[OUTCOME_ABORT_BEFORE] = "before",
                                          [OUTCOME_ABORT_HEAD] = "head",
                                          [OUTCOME_ABORT_BODY] = "body"};

/* The text up to the first `separator`, which is read too; `*rest` is what follows. */
static struct span next_part(struct span *rest, char separator)
{
    const char *end = rest->length == 0 ? NULL : memchr(rest->data, separator, rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->data);
    struct span part = span_of(rest->data, length);
    *rest = span_after(*rest, end == NULL ? length : length + 1);
    return part;
}

static int parse_decimal(struct span text, struct decimal *ret_decimal, struct parse_error *error)
{
    size_t offset = 0;
    if (text.length == 0 || text.data[0] < '0' || text.data[0] > '9') {
        return parse_error_expected(error, text, 0, "a number");
    }
    int result = decimal_scan(text, &offset, ret_decimal, error);
    if (result == 0 && offset != text.length) {
        return parse_error_expected(error, text, offset, "the end of the number");
    }
    return result;
}

int fault_probability_parse(struct span text, struct decimal *ret_probability,
                            struct parse_error *error)
{
    struct decimal probability = {0, 0};
    int result = parse_decimal(text, &probability, error);
    if (result == 0 && decimal_value(probability) > 1) {
        return parse_error_set(error, 0, "a probability is from 0 to 1");
    }
    *ret_probability = probability;
    return result;
}

int fault_errors_add(struct fault_errors *errors, struct span code, struct span weight,
                     struct parse_error *error)
{
    uint64_t status = 0;
    struct decimal number = {1, 0};
    if (errors->code_count == FAULT_MAX_CODES) {
        return parse_error_set(error, 0, "more than %d codes", FAULT_MAX_CODES);
    }
    int result = count_parse(code, &status, error);
    if (result < 0) {
        return result;
    }
    if (status < 400 || status > 599 || status == STATUS_CLIENT_CLOSED_REQUEST ||
        status == STATUS_NEVER_SENT) {
        return parse_error_set(error, 0, "an error's code is from 400 to 599, not 444 or 499");
    }
    if (weight.data != NULL) {
        result = parse_decimal(weight, &number, error);
        if (result == 0 && number.digits == 0) {
            result = parse_error_set(error, 0, "a weight must be above 0");
        }
    }
    if (result == 0) {
        errors->codes[errors->code_count++] =
            (struct fault_code){.status = (uint16_t)status, .weight = number};
    }
    return result;
}

void fault_errors_finish(struct fault_errors *errors)
{
    if (errors->code_count == 0) {
        errors->codes[errors->code_count++] =
            (struct fault_code){.status = FAULT_DEFAULT_CODE, .weight = {1, 0}};
    }
    double sum = 0;
    for (unsigned i = 0; i < errors->code_count; i++) {
        sum += decimal_value(errors->codes[i].weight);
        errors->codes[i].up_to = sum;
    }
    for (unsigned i = 0; i < errors->code_count; i++) {
        errors->codes[i].up_to /= sum;
    }
}

int fault_errors_parse(struct span text, struct fault_errors *ret_errors, struct parse_error *error)
{
    struct fault_errors errors = {0};
    struct span rest = text;
    struct span probability = next_part(&rest, ':');
    bool codes = probability.length < text.length;
    int result = fault_probability_parse(probability, &errors.probability, error);
    while (result == 0 && codes) {
        size_t before = rest.length;
        struct span item = next_part(&rest, ',');
        codes = item.length < before; /* a comma was there, so that another must follow */
        struct span weight = item;
        struct span code = next_part(&weight, ':');
        result = fault_errors_add(&errors, code,
                                  code.length < item.length ? weight : span_of(NULL, 0), error);
    }
    if (result == 0) {
        fault_errors_finish(&errors);
        *ret_errors = errors;
    }
    return result;
}

int fault_place_parse(struct span text, uint8_t *ret_place, struct parse_error *error)
{
    for (unsigned place = OUTCOME_ABORT_BEFORE; place < ARRAY_LENGTH(place_names); place++) {
        if (span_equals(text, span_from_string(place_names[place]))) {
            *ret_place = (uint8_t)place;
            return 0;
        }
    }
    return parse_error_set(error, 0, "an abort's place is before, head or body");
}

int fault_abort_parse(struct span text, struct fault_abort *ret_abort, struct parse_error *error)
{
    struct fault_abort abort = {.place = OUTCOME_ABORT_BEFORE};
    struct span rest = text;
    struct span probability = next_part(&rest, ':');
    int result = fault_probability_parse(probability, &abort.probability, error);
    if (result == 0 && probability.length < text.length) {
        result = fault_place_parse(rest, &abort.place, error);
    }
    if (result == 0) {
        *ret_abort = abort;
    }
    return result;
}

void buffer_append_errors(struct buffer *buffer, const struct fault_errors *errors)
{
    buffer_append_decimal(buffer, errors->probability);
    for (unsigned i = 0; errors->probability.digits != 0 && i < errors->code_count; i++) {
        buffer_append_byte(buffer, i == 0 ? ':' : ',');
        buffer_append_u64(buffer, errors->codes[i].status);
        buffer_append_byte(buffer, ':');
        buffer_append_decimal(buffer, errors->codes[i].weight);
    }
}

void buffer_append_abort(struct buffer *buffer, const struct fault_abort *abort)
{
    buffer_append_decimal(buffer, abort->probability);
    if (abort->probability.digits != 0) {
        buffer_append_byte(buffer, ':');
        buffer_append_span(buffer, span_from_string(place_names[abort->place]));
    }
}

uint16_t fault_errors_status(const struct fault_errors *errors, double unit)
{
    ASSERT(errors->code_count > 0);
    unsigned i = 0;
    while (i + 1 < errors->code_count && unit >= errors->codes[i].up_to) {
        i++;
    }
    return errors->codes[i].status;
}

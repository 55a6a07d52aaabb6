#include "http/body.h"

#include "http/scan.h"

/* Of a chunk's size line, of what all of them have behind the size, and of all trailer fields:
   nobody needs more, and each byte is read (RFC 9112, section 7.1.1). */
#define MAX_CHUNK_LINE_BYTES 1024
#define MAX_EXTENSION_BYTES 16384
#define MAX_TRAILER_BYTES 8192
#define MAX_SIZE_DIGITS 15 /* 2^60: far above every limit, far below overflow */

enum state {
    STATE_SIZED,
    STATE_SIZE,          /* digits of a chunk size */
    STATE_SIZE_SPACE,    /* white space behind the digits: only an extension may follow */
    STATE_EXTENSION,     /* behind the first ";", up to CR */
    STATE_SIZE_LF,       /* the LF of the size line */
    STATE_DATA,          /* the chunk's content */
    STATE_DATA_CR,       /* the CR behind it */
    STATE_DATA_LF,       /* the LF behind that */
    STATE_TRAILER_START, /* the first byte of a trailer line, or of the empty line */
    STATE_TRAILER_NAME,  /* in a trailer's name */
    STATE_TRAILER_VALUE, /* in a trailer's value */
    STATE_TRAILER_LF,    /* the LF of a trailer line */
    STATE_END_LF,        /* the LF of the empty line */
    STATE_COMPLETE,
};

static enum body_result refuse(struct request_error *error, uint16_t status, const char *reason)
{
    *error = (struct request_error){.status = status, .reason = reason};
    return BODY_REFUSED;
}

enum body_result body_start(struct body_decoder *decoder, const struct request *request,
                            uint64_t max_bytes, struct request_error *ret_error)
{
    *decoder = (struct body_decoder){
        .remaining = request->content_length,
        .max_bytes = max_bytes,
        .state = request->chunked ? STATE_SIZE : STATE_SIZED,
    };
    if (request->chunked) {
        return BODY_INCOMPLETE;
    }
    if (request->content_length > max_bytes) {
        return refuse(ret_error, 413, "the request's body is too large");
    }
    return request->content_length == 0 ? BODY_COMPLETE : BODY_INCOMPLETE;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = ascii_lower(digit);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_field_byte(char byte)
{
    uint8_t value = (uint8_t)byte;
    return (value >= 0x20 && value != 0x7f) || byte == '\t';
}

static enum body_result end_of_size(struct body_decoder *decoder, struct request_error *error)
{
    if (decoder->remaining > decoder->max_bytes - decoder->content_bytes) {
        return refuse(error, 413, "the request's body is too large");
    }
    decoder->overhead_bytes = 0;
    decoder->state = decoder->remaining == 0 ? STATE_TRAILER_START : STATE_DATA;
    return BODY_INCOMPLETE;
}

/*
 * The byte behind the digits of a chunk's size. White space is there for the sake of a ";" only:
 * other programs stop reading the number there, or do not.
 */
static enum body_result end_size_digits(struct body_decoder *decoder, char byte,
                                        struct request_error *error)
{
    bool has_digits = decoder->size_digits > 0;
    if (has_digits && byte == '\r' && decoder->state == STATE_SIZE) {
        decoder->state = STATE_SIZE_LF;
    } else if (has_digits && byte == ';') {
        decoder->state = STATE_EXTENSION;
    } else if (has_digits && (byte == ' ' || byte == '\t')) {
        decoder->state = STATE_SIZE_SPACE;
    } else {
        return refuse(error, 400, "the size of a chunk is not a hexadecimal number");
    }
    return BODY_INCOMPLETE;
}

/* One byte of a chunk's size line: 1*HEXDIG *( BWS ";" ... ) CRLF (RFC 9112, section 7.1). */
static enum body_result take_size_byte(struct body_decoder *decoder, char byte,
                                       struct request_error *error)
{
    if (++decoder->overhead_bytes > MAX_CHUNK_LINE_BYTES) {
        return refuse(error, 400, "the line of a chunk's size is too long");
    }
    if (decoder->state == STATE_SIZE_LF) {
        return byte == '\n' ? end_of_size(decoder, error)
                            : refuse(error, 400, "carriage return without line feed");
    }
    int digit = hex_value(byte);
    if (decoder->state == STATE_SIZE && digit >= 0) {
        if (++decoder->size_digits > MAX_SIZE_DIGITS) {
            return refuse(error, 400, "the size of a chunk does not fit");
        }
        decoder->remaining = decoder->remaining * 16 + (uint64_t)digit;
        return BODY_INCOMPLETE;
    }
    if (decoder->state <= STATE_SIZE_SPACE) {
        return end_size_digits(decoder, byte, error);
    }
    if (++decoder->extension_bytes > MAX_EXTENSION_BYTES) {
        return refuse(error, 400, "the extensions of the chunks are too long");
    }
    if (byte == '\r') {
        decoder->state = STATE_SIZE_LF;
    } else if (!is_field_byte(byte)) {
        return refuse(error, 400, "control character in the line of a chunk's size");
    }
    return BODY_INCOMPLETE;
}

/* One byte of the trailer section, which is checked and dropped. */
static enum body_result take_trailer_byte(struct body_decoder *decoder, char byte,
                                          struct request_error *error)
{
    if (++decoder->overhead_bytes > MAX_TRAILER_BYTES) {
        return refuse(error, 431, "the trailer fields are too large");
    }
    switch (decoder->state) {
    case STATE_TRAILER_START:
        if (byte == '\r') {
            decoder->state = STATE_END_LF;
        } else if (scan_is(byte, SCAN_TOKEN)) {
            decoder->state = STATE_TRAILER_NAME;
        } else {
            return refuse(error, 400, "the name of a trailer field is not a token");
        }
        break;
    case STATE_TRAILER_NAME:
        if (byte == ':') {
            decoder->state = STATE_TRAILER_VALUE;
        } else if (!scan_is(byte, SCAN_TOKEN)) {
            return refuse(error, 400, "the name of a trailer field is not a token");
        }
        break;
    case STATE_TRAILER_VALUE:
        if (byte == '\r') {
            decoder->state = STATE_TRAILER_LF;
        } else if (!is_field_byte(byte)) {
            return refuse(error, 400, "control character in a trailer field");
        }
        break;
    default:
        if (byte != '\n') {
            return refuse(error, 400, "carriage return without line feed");
        }
        decoder->state = decoder->state == STATE_END_LF ? STATE_COMPLETE : STATE_TRAILER_START;
        break;
    }
    return decoder->state == STATE_COMPLETE ? BODY_COMPLETE : BODY_INCOMPLETE;
}

static enum body_result take_data_end_byte(struct body_decoder *decoder, char byte,
                                           struct request_error *error)
{
    if (byte != (decoder->state == STATE_DATA_CR ? '\r' : '\n')) {
        return refuse(error, 400, "no line end behind the data of a chunk");
    }
    if (decoder->state == STATE_DATA_CR) {
        decoder->state = STATE_DATA_LF;
    } else {
        decoder->state = STATE_SIZE;
        decoder->size_digits = 0;
        decoder->overhead_bytes = 0;
        decoder->remaining = 0;
    }
    return BODY_INCOMPLETE;
}

static struct span take_content(struct body_decoder *decoder, struct span *input)
{
    size_t length = input->length < decoder->remaining ? input->length : (size_t)decoder->remaining;
    struct span content = span_of(input->data, length);
    *input = span_after(*input, length);
    decoder->remaining -= length;
    decoder->content_bytes += length;
    return content;
}

enum body_result body_decode(struct body_decoder *decoder, struct span *input,
                             struct span *ret_content, struct request_error *ret_error)
{
    *ret_content = SPAN("");
    while (input->length > 0) {
        if (decoder->state == STATE_SIZED || decoder->state == STATE_DATA) {
            *ret_content = take_content(decoder, input);
            if (decoder->remaining > 0) {
                return BODY_INCOMPLETE;
            }
            if (decoder->state == STATE_SIZED) {
                return BODY_COMPLETE;
            }
            decoder->state = STATE_DATA_CR;
            return BODY_INCOMPLETE;
        }
        char byte = input->data[0];
        *input = span_after(*input, 1);
        enum body_result result = BODY_INCOMPLETE;
        if (decoder->state <= STATE_SIZE_LF) {
            result = take_size_byte(decoder, byte, ret_error);
        } else if (decoder->state <= STATE_DATA_LF) {
            result = take_data_end_byte(decoder, byte, ret_error);
        } else {
            result = take_trailer_byte(decoder, byte, ret_error);
        }
        if (result != BODY_INCOMPLETE) {
            return result;
        }
    }
    return BODY_INCOMPLETE;
}

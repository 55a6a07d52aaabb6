/*
 * `file(PATH)`: the law of a table. Each line has a quantile from 0 to 1 and a duration, with
 * spaces or a comma between them; the first quantile is 0 and the last 1; between two lines the
 * law is uniform. `#` begins a comment.
 */
#include "latency/law_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define POINTS_MAX ((size_t)16384)

struct point {
    double quantile;
    double value_ns;
};

struct law_file {
    struct law law;
    char *path;           /* owned */
    struct point *points; /* owned; both members rise, the quantile strictly */
    size_t count;         /* at least 2 */
};

static const struct law_file *file_of(const struct law *law)
{
    return (const struct law_file *)law;
}

static void file_release(struct law *law)
{
    struct law_file *file = (struct law_file *)law;
    free(file->path);
    free(file->points);
}

/* The table while it is being read. */
struct table_reader {
    struct law_parser *parser;
    size_t offset; /* of the path, for errors */
    struct law_file *file;
    size_t line; /* from 1 */
};

static int refuse(const struct table_reader *reader, const char *reason)
{
    char memory[160];
    struct buffer path = buffer_over(memory, sizeof memory);
    buffer_append_printable(&path, span_from_string(reader->file->path), 36);
    if (reader->line == 0) {
        return parse_error_set(reader->parser->error, reader->offset, "%.*s: %s", (int)path.length,
                               memory, reason);
    }
    return parse_error_set(reader->parser->error, reader->offset, "%.*s, line %zu: %s",
                           (int)path.length, memory, reader->line, reason);
}

static void skip_separators(struct span line, size_t *at)
{
    bool comma = false;
    while (*at < line.length &&
           (line.data[*at] == ' ' || line.data[*at] == '\t' || (line.data[*at] == ',' && !comma))) {
        comma |= line.data[*at] == ',';
        ++*at;
    }
}

static int add_point(const struct table_reader *reader, double quantile, int64_t value_ns)
{
    struct law_file *file = reader->file;
    const struct point *last = file->count == 0 ? NULL : &file->points[file->count - 1];
    if (last == NULL && quantile != 0) {
        return refuse(reader, "the first quantile must be 0");
    }
    if (last != NULL && quantile <= last->quantile) {
        return refuse(reader, "the quantile is not above the one before");
    }
    if (quantile > 1) {
        return refuse(reader, "the quantile is above 1");
    }
    if (last != NULL && (double)value_ns < last->value_ns) {
        return refuse(reader, "the duration is below the one before");
    }
    if (value_ns > reader->parser->limits->max_delay_ns) {
        return refuse(reader, "the duration is beyond the maximal delay");
    }
    if (file->count == POINTS_MAX) {
        return refuse(reader, "more than 16384 quantiles");
    }
    file->points[file->count++] = (struct point){quantile, (double)value_ns};
    return 0;
}

static int read_line(const struct table_reader *reader, struct span line)
{
    const char *comment = line.length == 0 ? NULL : memchr(line.data, '#', line.length);
    if (comment != NULL) {
        line.length = (size_t)(comment - line.data);
    }
    if (line.length > 0 && line.data[line.length - 1] == '\r') {
        line.length--;
    }
    line = span_trim(line);
    if (line.length == 0) {
        return 0;
    }
    struct parse_error why = {0};
    struct decimal quantile = {0};
    int64_t value_ns = 0;
    size_t at = 0;
    int result = decimal_scan(line, &at, &quantile, &why);
    if (result == 0) {
        skip_separators(line, &at);
        result = duration_scan(line, &at, &value_ns, &why);
    }
    if (result == 0 && at != line.length) {
        result = parse_error_expected(&why, line, at, "the end of the line");
    }
    return result < 0 ? refuse(reader, why.message)
                      : add_point(reader, decimal_value(quantile), value_ns);
}

static int read_table(struct table_reader *reader, struct span text)
{
    reader->file->points = calloc(POINTS_MAX, sizeof *reader->file->points);
    if (reader->file->points == NULL) {
        return -ENOMEM;
    }
    while (text.length > 0) {
        const char *newline = memchr(text.data, '\n', text.length);
        size_t length = newline == NULL ? text.length : (size_t)(newline - text.data);
        reader->line++;
        int result = read_line(reader, span_of(text.data, length));
        if (result < 0) {
            return result;
        }
        text = span_after(text, newline == NULL ? length : length + 1);
    }
    reader->line = 0;
    const struct law_file *file = reader->file;
    if (file->count < 2 || file->points[file->count - 1].quantile != 1) {
        return refuse(reader, "the last quantile must be 1");
    }
    struct point *fitting =
        realloc(reader->file->points, file->count * sizeof *reader->file->points);
    if (fitting != NULL) {
        reader->file->points = fitting;
    }
    return 0;
}

/* Reads the regular file into memory that the caller frees. */
static int read_file(const struct table_reader *reader, char **ret_data, size_t *ret_length)
{
    /* Non-blocking, so that a FIFO cannot make the program wait for ever. */
    int fd = open(reader->file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return refuse(reader, strerror(errno));
    }
    struct stat status;
    char *data = malloc(FILE_MAX_BYTES + 1);
    size_t length = 0;
    int result = 0;
    if (data == NULL) {
        result = -ENOMEM;
    } else if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        result = refuse(reader, "not a regular file");
    }
    while (result == 0 && length <= FILE_MAX_BYTES) {
        ssize_t got = read(fd, data + length, FILE_MAX_BYTES + 1 - length);
        if (got == 0) {
            break;
        }
        if (got > 0) {
            length += (size_t)got;
        } else if (errno != EINTR) {
            result = refuse(reader, strerror(errno));
        }
    }
    close(fd);
    if (result == 0 && length > FILE_MAX_BYTES) {
        result = refuse(reader, "longer than 1 MiB");
    }
    if (result < 0) {
        free(data);
        return result;
    }
    *ret_data = data;
    *ret_length = length;
    return 0;
}

/* The path is everything up to the parenthesis, which law.c reads. */
static int scan_path(struct law_parser *parser, struct span *ret_path)
{
    size_t start = law_parser_position(parser), end = start;
    while (end < parser->text.length && parser->text.data[end] != ')') {
        if (parser->text.data[end] == '\0') {
            return parse_error_expected(parser->error, parser->text, end, "a path");
        }
        end++;
    }
    *ret_path = span_trim(span_of(parser->text.data + start, end - start));
    if (ret_path->length == 0) {
        return parse_error_expected(parser->error, parser->text, start, "a path");
    }
    parser->offset = end;
    return 0;
}

static int file_parse(struct law_parser *parser, struct law **ret_law)
{
    size_t offset = law_parser_position(parser);
    if (!parser->limits->files_allowed) {
        return parse_error_set(parser->error, offset, "a law from a file is not allowed here");
    }
    struct span path = SPAN("");
    int result = scan_path(parser, &path);
    if (result < 0) {
        return result;
    }
    struct law *law = NULL;
    result = law_allocate(sizeof(struct law_file), &law);
    if (law == NULL) {
        return result;
    }
    law->kind = &law_kind_file;
    struct table_reader reader = {
        .parser = parser, .offset = offset, .file = (struct law_file *)law};
    reader.file->path = strndup(path.data, path.length);
    char *data = NULL;
    size_t length = 0;
    result = reader.file->path == NULL ? -ENOMEM : read_file(&reader, &data, &length);
    if (result == 0) {
        result = read_table(&reader, span_of(data, length));
        free(data);
    }
    if (result < 0) {
        law_free(law);
        return result;
    }
    *ret_law = law;
    return 0;
}

static void file_print(struct buffer *buffer, const struct law *law)
{
    buffer_append_span(buffer, span_from_string(file_of(law)->path));
}

static double cdf(const struct law *law, double x_ns)
{
    const struct law_file *file = file_of(law);
    size_t low = 0, high = file->count; /* values before low are <= x, those from high on > x */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->points[middle].value_ns <= x_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return 0;
    }
    if (low == file->count) {
        return 1;
    }
    const struct point *left = &file->points[low - 1], *right = &file->points[low];
    return left->quantile + (x_ns - left->value_ns) / (right->value_ns - left->value_ns) *
                                (right->quantile - left->quantile);
}

static double quantile(const struct law *law, double q)
{
    const struct law_file *file = file_of(law);
    size_t low = 0, high = file->count - 1; /* the first quantile >= q is among them */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->points[middle].quantile >= q) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low == 0) {
        return file->points[0].value_ns;
    }
    const struct point *left = &file->points[low - 1], *right = &file->points[low];
    return left->value_ns + (q - left->quantile) / (right->quantile - left->quantile) *
                                (right->value_ns - left->value_ns);
}

static double mean(const struct law *law)
{
    const struct law_file *file = file_of(law);
    double sum = 0;
    for (size_t i = 1; i < file->count; i++) {
        const struct point *left = &file->points[i - 1], *right = &file->points[i];
        sum += (right->quantile - left->quantile) * (left->value_ns + right->value_ns) / 2;
    }
    return sum;
}

static bool draws(const struct law *law)
{
    const struct law_file *file = file_of(law);
    return file->points[0].value_ns != file->points[file->count - 1].value_ns;
}

/* The same path may have had another table when it was read. */
static bool equals(const struct law *law, const struct law *other)
{
    const struct law_file *one = file_of(law), *two = file_of(other);
    bool equal = one->count == two->count;
    for (size_t i = 0; equal && i < one->count; i++) {
        equal = one->points[i].quantile == two->points[i].quantile &&
                one->points[i].value_ns == two->points[i].value_ns;
    }
    return equal;
}

const struct law_kind law_kind_file = {
    .name = SPAN("file"),
    .parse = file_parse,
    .print = file_print,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
    .draws = draws,
    .equals = equals,
    .release = file_release,
};

#include "server/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define SHOWN_BYTES 60
#define ORIGIN_BYTES 512

struct reader {
    const char *path;
    yaml_document_t *document;
    struct settings *settings;
    char *error;
};

/* libyaml counts lines and columns from 0; editors count from 1. */
static int refuse_at(const struct reader *reader, yaml_mark_t mark, const char *reason)
{
    return configuration_error(reader->error, "%.400s:%zu:%zu: %s", reader->path, mark.line + 1,
                               mark.column + 1, reason);
}

static int refuse_key(const struct reader *reader, const yaml_node_t *key, const char *reason)
{
    char memory[4 * SHOWN_BYTES + 128];
    struct buffer text = buffer_over(memory, sizeof memory);
    buffer_append_printable(
        &text, span_of((const char *)key->data.scalar.value, key->data.scalar.length), SHOWN_BYTES);
    buffer_append_span(&text, SPAN(": "));
    buffer_append_span(&text, span_from_string(reason));
    buffer_append_byte(&text, '\0');
    return refuse_at(reader, key->start_mark, memory);
}

static int add_scalar(const struct reader *reader, const struct option *option,
                      const yaml_node_t *value, bool separated)
{
    char origin[ORIGIN_BYTES];
    snprintf(origin, sizeof origin, "%.400s:%zu:%zu: %s", reader->path, value->start_mark.line + 1,
             value->start_mark.column + 1, option->name);
    struct span text = span_of((const char *)value->data.scalar.value, value->data.scalar.length);
    return settings_add(reader->settings, option, origin, text, separated, reader->error);
}

static int read_value(const struct reader *reader, const struct option *option,
                      const yaml_node_t *value)
{
    if (value->type == YAML_SCALAR_NODE) {
        return add_scalar(reader, option, value, true);
    }
    if (value->type != YAML_SEQUENCE_NODE || option->kind != OPTION_KIND_LIST) {
        return refuse_at(reader, value->start_mark,
                         option->kind == OPTION_KIND_LIST ? "expected a text or a list of texts"
                                                          : "expected one value");
    }
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top; item++) {
        const yaml_node_t *node = yaml_document_get_node(reader->document, *item);
        if (node->type != YAML_SCALAR_NODE) {
            return refuse_at(reader, node->start_mark, "expected a text");
        }
        int result = add_scalar(reader, option, node, false);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int read_pair(const struct reader *reader, const yaml_node_pair_t *pair, bool *seen)
{
    const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
    if (key->type != YAML_SCALAR_NODE) {
        return refuse_at(reader, key->start_mark, "expected the name of an option");
    }
    struct span name = span_of((const char *)key->data.scalar.value, key->data.scalar.length);
    const struct option *option = option_find(name, false);
    if (option == NULL) {
        return refuse_key(reader, key, "unknown option");
    }
    if (!option->in_file) {
        return refuse_key(reader, key, "not an option for the file");
    }
    if (seen[option->id]) {
        return refuse_key(reader, key, "given twice");
    }
    seen[option->id] = true;
    return read_value(reader, option, value);
}

static bool is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int read_document(const struct reader *reader)
{
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    if (root == NULL || is_nothing(root)) {
        return 0; /* an empty file, comments or `---` only */
    }
    if (root->type != YAML_MAPPING_NODE) {
        return refuse_at(reader, root->start_mark, "expected options, one `name: value` a line");
    }
    bool seen[OPTION_IDS] = {false};
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        int result = read_pair(reader, pair, seen);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int refuse_syntax(const struct reader *reader, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return configuration_no_memory(reader->error);
    }
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        return configuration_error(reader->error, "%.400s: %s at byte %zu", reader->path, problem,
                                   parser->problem_offset);
    }
    return refuse_at(reader, parser->problem_mark, problem);
}

int config_file_parse(const char *path, struct span text, struct settings *settings, char *error)
{
    struct reader reader = {.path = path, .settings = settings, .error = error};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return configuration_no_memory(error);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.length);
    yaml_document_t document;
    int result = 0;
    if (!yaml_parser_load(&parser, &document)) {
        result = refuse_syntax(&reader, &parser);
        yaml_parser_delete(&parser);
        return result;
    }
    reader.document = &document;
    bool empty = yaml_document_get_root_node(&document) == NULL;
    result = read_document(&reader);
    yaml_document_delete(&document);
    /* What stands behind `---` or `...` would go unread in silence. */
    if (result == 0 && !empty) {
        if (!yaml_parser_load(&parser, &document)) {
            result = refuse_syntax(&reader, &parser);
        } else {
            const yaml_node_t *root = yaml_document_get_root_node(&document);
            if (root != NULL) {
                result = refuse_at(&reader, root->start_mark, "a second document");
            }
            yaml_document_delete(&document);
        }
    }
    yaml_parser_delete(&parser);
    return result;
}

static int refuse_file(const char *path, int problem, char *error)
{
    configuration_error(error, "--config %.400s: %s", path, strerror(problem));
    return -problem;
}

/* Reads all of a regular file of at most CONFIG_FILE_MAX_BYTES into memory that the caller frees.
 */
static int read_whole(const char *path, char **ret_data, size_t *ret_length, char *error)
{
    /* Non-blocking, so that a FIFO cannot make the program wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return refuse_file(path, errno, error);
    }
    int result = 0;
    struct stat status;
    char *data = NULL;
    size_t length = 0;
    if (fstat(fd, &status) < 0) {
        result = refuse_file(path, errno, error);
    } else if (!S_ISREG(status.st_mode)) {
        result = configuration_error(error, "--config %.400s: not a regular file", path);
    } else if ((data = malloc(CONFIG_FILE_MAX_BYTES + 1)) == NULL) {
        result = configuration_no_memory(error);
    }
    while (result == 0 && length <= CONFIG_FILE_MAX_BYTES) {
        ssize_t got = read(fd, data + length, CONFIG_FILE_MAX_BYTES + 1 - length);
        if (got < 0 && errno != EINTR) {
            result = refuse_file(path, errno, error);
        }
        if (got == 0) {
            break;
        }
        length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (result == 0 && length > CONFIG_FILE_MAX_BYTES) {
        result = configuration_error(error, "--config %.400s: longer than 1 MiB", path);
    }
    if (result < 0) {
        free(data);
        return result;
    }
    *ret_data = data;
    *ret_length = length;
    return 0;
}

int config_file_read(const char *path, struct settings *settings, char *error)
{
    char *data = NULL;
    size_t length = 0;
    int result = read_whole(path, &data, &length, error);
    if (result == 0) {
        result = config_file_parse(path, span_of(data, length), settings, error);
        free(data);
    }
    return result;
}

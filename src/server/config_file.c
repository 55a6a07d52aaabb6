#include "server/config_file.h"

#include "server/config_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORIGIN_BYTES 512

struct options_reading {
    struct settings *settings;
    bool seen[OPTION_IDS];
};

static int add_scalar(const struct config_reader *reader, struct settings *settings,
                      const struct option *option, const yaml_node_t *value, bool separated)
{
    char origin[ORIGIN_BYTES];
    snprintf(origin, sizeof origin, "%.400s:%zu:%zu: %s", reader->path, value->start_mark.line + 1,
             value->start_mark.column + 1, option->name);
    return settings_add(settings, option, origin, config_scalar(value), separated, reader->error);
}

static int read_value(const struct config_reader *reader, struct settings *settings,
                      const struct option *option, const yaml_node_t *value)
{
    if (value->type == YAML_SCALAR_NODE) {
        return add_scalar(reader, settings, option, value, true);
    }
    if (value->type != YAML_SEQUENCE_NODE || option->kind != OPTION_KIND_LIST) {
        return config_refuse(reader, value,
                             option->kind == OPTION_KIND_LIST ? "expected a text or a list of texts"
                                                              : "expected one value");
    }
    for (size_t i = 0; i < config_count(value); i++) {
        const yaml_node_t *node = config_item(reader, value, i);
        if (node->type != YAML_SCALAR_NODE) {
            return config_refuse(reader, node, "expected a text");
        }
        int result = add_scalar(reader, settings, option, node, false);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int read_pair(const struct config_reader *reader, const yaml_node_pair_t *pair,
                     struct options_reading *reading)
{
    const yaml_node_t *key = config_node(reader, pair->key);
    if (key->type != YAML_SCALAR_NODE) {
        return config_refuse(reader, key, "expected the name of an option");
    }
    struct span name = config_scalar(key);
    if (span_equals(name, SPAN("rules")) || span_equals(name, SPAN("scenario"))) {
        return 0; /* config_rules_parse() reads them, when it is known what a law may be */
    }
    const struct option *option = option_find(name, false);
    if (option == NULL) {
        return config_refuse_scalar(reader, key, "unknown option");
    }
    if (!option->in_file) {
        return config_refuse_scalar(reader, key, "not an option for the file");
    }
    if (reading->seen[option->id]) {
        return config_refuse_scalar(reader, key, "given twice");
    }
    reading->seen[option->id] = true;
    return read_value(reader, reading->settings, option, config_node(reader, pair->value));
}

static bool is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int read_options(const struct config_reader *reader, const yaml_node_t *root, void *context)
{
    if (root == NULL || is_nothing(root)) {
        return 0; /* an empty file, comments or `---` only */
    }
    if (root->type != YAML_MAPPING_NODE) {
        return config_refuse(reader, root, "expected options, one `name: value` a line");
    }
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        int result = read_pair(reader, pair, context);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int config_file_parse(const char *path, struct span text, struct settings *settings, char *error)
{
    struct options_reading reading = {.settings = settings};
    return config_load(path, text, error, read_options, &reading);
}

static int refuse_file(const char *path, int problem, char *error)
{
    configuration_error(error, "--config %.400s: %s", path, strerror(problem));
    return -problem;
}

int config_file_fetch(const char *path, char **ret_data, size_t *ret_length, char *error)
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
    int result = config_file_fetch(path, &data, &length, error);
    if (result == 0) {
        result = config_file_parse(path, span_of(data, length), settings, error);
        free(settings->file_text);
        settings->file_text = data;
        settings->file_length = length;
    }
    return result;
}

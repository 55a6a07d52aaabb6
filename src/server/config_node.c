#include "server/config_node.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "server/settings.h"

#define SHOWN_BYTES 60

/* libyaml counts lines and columns from 0; editors count from 1. */
static int refuse_at(const struct config_reader *reader, yaml_mark_t mark, const char *reason)
{
    return configuration_error(reader->error, "%.400s:%zu:%zu: %s", reader->path, mark.line + 1,
                               mark.column + 1, reason);
}

int config_refuse(const struct config_reader *reader, const yaml_node_t *node, const char *reason)
{
    return refuse_at(reader, node->start_mark, reason);
}

int config_refuse_scalar(const struct config_reader *reader, const yaml_node_t *scalar,
                         const char *reason)
{
    char memory[4 * SHOWN_BYTES + PARSE_ERROR_MESSAGE_BYTES];
    struct buffer text = buffer_over(memory, sizeof memory);
    buffer_append_printable(&text, config_scalar(scalar), SHOWN_BYTES);
    buffer_append_span(&text, SPAN(": "));
    buffer_append_span(&text, span_from_string(reason));
    buffer_append_byte(&text, '\0');
    return config_refuse(reader, scalar, memory);
}

const yaml_node_t *config_node(const struct config_reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

struct span config_scalar(const yaml_node_t *scalar)
{
    ASSERT(scalar->type == YAML_SCALAR_NODE);
    return span_of((const char *)scalar->data.scalar.value, scalar->data.scalar.length);
}

int config_expect_scalar(const struct config_reader *reader, const yaml_node_t *node,
                         const char *expected, struct span *ret_text)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0) {
        char reason[96];
        snprintf(reason, sizeof reason, "expected %s", expected);
        return config_refuse(reader, node, reason);
    }
    *ret_text = config_scalar(node);
    return 0;
}

size_t config_count(const yaml_node_t *node)
{
    return node->type == YAML_SEQUENCE_NODE
               ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start)
           : node->type == YAML_MAPPING_NODE
               ? (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start)
               : 0;
}

const yaml_node_t *config_item(const struct config_reader *reader, const yaml_node_t *sequence,
                               size_t index)
{
    ASSERT(index < config_count(sequence));
    return config_node(reader, sequence->data.sequence.items.start[index]);
}

static int read_pair(const struct config_reader *reader, const yaml_node_pair_t *pair,
                     const struct config_key *keys, size_t key_count, bool *seen, void *context)
{
    const yaml_node_t *name = config_node(reader, pair->key);
    if (name->type != YAML_SCALAR_NODE) {
        return config_refuse(reader, name, "expected a name");
    }
    for (size_t i = 0; i < key_count; i++) {
        if (span_equals(config_scalar(name), span_from_string(keys[i].name))) {
            if (seen[i]) {
                return config_refuse_scalar(reader, name, "given twice");
            }
            seen[i] = true;
            return keys[i].read(reader, config_node(reader, pair->value), context);
        }
    }
    char reason[256] = "unknown key; there are";
    size_t length = strlen(reason);
    for (size_t i = 0; i < key_count && length < sizeof reason; i++) {
        length += (size_t)snprintf(reason + length, sizeof reason - length, "%s %s",
                                   i == 0 ? "" : ",", keys[i].name);
    }
    return config_refuse_scalar(reader, name, reason);
}

int config_read_mapping(const struct config_reader *reader, const yaml_node_t *node,
                        const char *what, const struct config_key *keys, size_t key_count,
                        void *context)
{
    if (node->type != YAML_MAPPING_NODE) {
        return config_refuse(reader, node, what);
    }
    ASSERT(key_count <= CONFIG_MAX_KEYS);
    bool seen[CONFIG_MAX_KEYS] = {false};
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        int result = read_pair(reader, pair, keys, key_count, seen, context);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static int refuse_syntax(const struct config_reader *reader, const yaml_parser_t *parser)
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

/* What stands behind `---` or `...` would go unread in silence. */
static int refuse_second(struct config_reader *reader, yaml_parser_t *parser)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document)) {
        return refuse_syntax(reader, parser);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    int result = root == NULL ? 0 : config_refuse(reader, root, "a second document");
    yaml_document_delete(&document);
    return result;
}

int config_load(const char *path, struct span text, char *error,
                int (*read)(const struct config_reader *reader, const yaml_node_t *root,
                            void *context),
                void *context)
{
    struct config_reader reader = {.path = path, .error = error};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return configuration_no_memory(error);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.length);
    yaml_document_t document;
    if (!yaml_parser_load(&parser, &document)) {
        int result = refuse_syntax(&reader, &parser);
        yaml_parser_delete(&parser);
        return result;
    }
    reader.document = &document;
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    bool empty = root == NULL;
    int result = read(&reader, root, context);
    yaml_document_delete(&document);
    if (result == 0 && !empty) {
        result = refuse_second(&reader, &parser);
    }
    yaml_parser_delete(&parser);
    return result;
}

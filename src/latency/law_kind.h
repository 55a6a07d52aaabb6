/*
 * What a kind of law (`uniform`, `exp`) must provide, and the tools to parse its arguments with.
 * A kind is one file that defines one `const struct law_kind`; law.c has the table of them.
 * Private to src/latency.
 */
#pragma once

#include "base/quantity.h"
#include "latency/law.h"

#include <stdatomic.h>

struct law_parser {
    struct span text;
    size_t offset;
    const struct law_limits *limits;
    struct parse_error *error;
    unsigned depth; /* of the law being read: 1 for the outermost */
    unsigned parts; /* laws read so far */
};

struct law_kind {
    struct span name;

    /*
     * Reads the arguments between the parentheses, which law.c reads, and makes the law. NULL for
     * a kind without parentheses. *ret_law starts with a struct law; its `kind` is set by law.c.
     */
    int (*parse)(struct law_parser *parser, struct law **ret_law);

    /* Appends the arguments, without parentheses. NULL when parse is. */
    void (*print)(struct buffer *buffer, const struct law *law);

    /* As in law.h; `q` is in [0, 1]. */
    double (*cdf)(const struct law *law, double x_ns);
    double (*quantile)(const struct law *law, double q);
    double (*mean)(const struct law *law);

    /* NULL: the quantile of `unit`. */
    double (*sample)(const struct law *law, double unit);

    /* NULL: every draw of every law of this kind is different. */
    bool (*draws)(const struct law *law);

    /* NULL: laws of this kind that print the same are the same. */
    bool (*equals)(const struct law *law, const struct law *other);

    /* Releases what the law owns beside itself; NULL: nothing. */
    void (*release)(struct law *law);
};

/* The beginning of every law; a kind's own struct has it as its first member. */
struct law {
    const struct law_kind *kind;
    _Atomic unsigned more_owners; /* than one */
    bool sizes;                   /* quantities are bytes */
};

extern const struct law_kind law_kind_none;
extern const struct law_kind law_kind_const;
extern const struct law_kind law_kind_uniform;
extern const struct law_kind law_kind_normal;
extern const struct law_kind law_kind_lognormal;
extern const struct law_kind law_kind_exp;
extern const struct law_kind law_kind_pareto;
extern const struct law_kind law_kind_mix;
extern const struct law_kind law_kind_file;

/* Zeroed memory for a law of `bytes`, to be given back with free(); -ENOMEM. */
int law_allocate(size_t bytes, struct law **ret_law) WARN_UNUSED;

/* A whole law, name first: what `mix` is made of. */
int law_parser_law(struct law_parser *parser, struct law **ret_law) WARN_UNUSED;

/* The next byte that is not a space must be `byte`. */
int law_parser_byte(struct law_parser *parser, char byte) WARN_UNUSED;

/* True, and read, when the next byte that is not a space is `byte`. */
bool law_parser_accepts(struct law_parser *parser, char byte);

/* A size where the law is one of sizes; the same for those below. */
int law_parser_duration(struct law_parser *parser, int64_t *ret_ns) WARN_UNUSED;
int law_parser_decimal(struct law_parser *parser, struct decimal *ret_decimal) WARN_UNUSED;

/* Appends a quantity of the law in its unit. */
void law_append_quantity(struct buffer *buffer, const struct law *law, int64_t quantity);

/* A duration that max_delay allows: the end of a bounded law. */
int law_parser_bound(struct law_parser *parser, int64_t *ret_ns) WARN_UNUSED;

/* Two durations with a comma between them, and where they begin. */
struct law_two_durations {
    int64_t first_ns, second_ns;
    size_t first_offset, second_offset;
};
int law_parser_two_durations(struct law_parser *parser,
                             struct law_two_durations *ret_both) WARN_UNUSED;

/*
 * Refuses a law with tails of which no more than `mass` lies in 0 to max_delay, when that is less
 * than LAW_MINIMUM_MASS. `offset` is that of its first argument.
 */
int law_parser_mass(struct law_parser *parser, size_t offset, double mass) WARN_UNUSED;

/* The offset of the next argument, for an error about it that is found later. */
size_t law_parser_position(struct law_parser *parser);

/*
 * What people and editors read about the options, made from the table: --help, the table of
 * docs/configuration.md, and docs/configuration.schema.json. A test holds the files against it.
 */
#pragma once

#include <stdio.h>

/* The options that the commands of this set have, wrapped for a terminal of 80 columns. */
void options_write_help(FILE *stream, unsigned commands);

/* A Markdown table of all options of the server. */
void options_write_markdown(FILE *stream);

/* JSON Schema (draft 2020-12) of the configuration file. */
void options_write_schema(FILE *stream);

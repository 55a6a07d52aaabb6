/*
 * The JSON Schema of `rules:` and `scenario:`, as the end of that of the whole file: from within
 * its properties on.
 */
#pragma once

extern const char rules_schema[];

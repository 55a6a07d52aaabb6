/*
 * The authority of a request: what Host and an absolute target name (RFC 9110, section 7.2; the
 * grammar is RFC 3986's host [ ":" port ]).
 */
#pragma once

#include "base/span.h"

/* Whether the text is host [ ":" port ], where the port may be empty. Pure; any thread. */
bool authority_is_valid(struct span text);

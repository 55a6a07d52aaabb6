/*
 * Address space set aside at start and backed by memory only where it is touched. This is how
 * every limit can be reserved for without paying for it before it is used.
 */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

/*
 * Reserves `bytes` (rounded up to whole pages) of zeroed, private, writable memory.
 * Returns NULL with errno set when the address space or the overcommit policy refuses.
 * Owned by the caller, who gives it back with reserve_free and the same size.
 */
WARN_UNUSED void *reserve_memory(size_t bytes);

void reserve_free(void *memory, size_t bytes);

/* Gives the pages behind [memory, memory + bytes) back to the kernel; they read as zero next. */
void reserve_release_pages(void *memory, size_t bytes);

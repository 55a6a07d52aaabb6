#include "../cmocka_includes.h"

#include "base/reserve.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t resident_pages(void *memory, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t resident = 0;
    for (size_t at = 0; at < bytes; at += page) {
        unsigned char seen = 0;
        assert_int_equal(mincore((char *)memory + at, page, &seen), 0);
        resident += seen & 1;
    }
    return resident;
}

static void memory_is_zero_and_writable(void **state)
{
    (void)state;
    const size_t bytes = 100001; /* no whole number of pages */
    unsigned char *memory = reserve_memory(bytes);
    assert_non_null(memory);
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(memory[i], 0);
        memory[i] = 0xa5;
    }
    assert_int_equal(memory[bytes - 1], 0xa5);
    reserve_free(memory, bytes);
}

/* 64 GiB: reserving must not cost what is not touched. */
static void untouched_memory_costs_nothing(void **state)
{
    (void)state;
    const size_t bytes = (size_t)1 << 36;
    char *memory = reserve_memory(bytes);
    if (memory == NULL) { /* strict overcommit, or a limit on address space */
        assert_int_equal(errno, ENOMEM);
        skip();
    }
    assert_int_equal(resident_pages(memory, 1 << 20), 0);
    memory[0] = 1;
    memory[bytes - 1] = 1;
    reserve_free(memory, bytes);
}

static void released_pages_read_as_zero(void **state)
{
    (void)state;
    const size_t bytes = 1 << 20;
    unsigned char *memory = reserve_memory(bytes);
    assert_non_null(memory);
    for (size_t i = 0; i < bytes; i++) {
        memory[i] = 1;
    }
    assert_int_not_equal(resident_pages(memory, bytes), 0);
    reserve_release_pages(memory + 65536, 65536);
    assert_int_equal(resident_pages(memory + 65536, 65536), 0);
    assert_int_equal(memory[65535], 1);
    assert_int_equal(memory[65536], 0);
    assert_int_equal(memory[131071], 0);
    assert_int_equal(memory[131072], 1);
    reserve_free(memory, bytes);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_null(reserve_memory(SIZE_MAX / 2));
    assert_int_equal(errno, ENOMEM);
    reserve_free(NULL, SIZE_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zero_and_writable),
        cmocka_unit_test(untouched_memory_costs_nothing),
        cmocka_unit_test(released_pages_read_as_zero),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "../cmocka_includes.h"

#include "base/assert.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `fail` in a child; returns its wait status, with what it wrote to stderr. */
static int run_in_child(void (*act)(void), char *text, size_t text_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length < text_bytes - 1 &&
           (got = read(ends[0], text + length, text_bytes - 1 - length)) > 0) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int evaluations;

static void break_an_invariant(void)
{
    int two = 2;
    ASSERT(two + two == 5);
}

static void keep_an_invariant(void)
{
    int two = 2;
    ASSERT(two + two == 4);
}

static void a_broken_invariant_says_where_and_aborts(void **state)
{
    (void)state;
    char text[1024];
    int status = run_in_child(break_an_invariant, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "test_assert.c:"));
    assert_non_null(strstr(text, "break_an_invariant"));
    assert_non_null(strstr(text, "two + two == 5"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void a_kept_invariant_says_nothing(void **state)
{
    (void)state;
    char text[1024];
    assert_int_equal(run_in_child(keep_an_invariant, text, sizeof text), 0);
    assert_string_equal(text, "");
}

/* An expression with an effect must have it exactly once, in every kind of build. */
static void the_condition_is_evaluated_once(void **state)
{
    (void)state;
    evaluations = 0;
    ASSERT(++evaluations == 1);
    assert_int_equal(evaluations, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_invariant_says_where_and_aborts),
        cmocka_unit_test(a_kept_invariant_says_nothing),
        cmocka_unit_test(the_condition_is_evaluated_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

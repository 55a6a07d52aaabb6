#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "server/admin_token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_text(const char *text, size_t bytes, char token[ADMIN_TOKEN_MAX_BYTES + 1],
                     const char **reason)
{
    char path[] = "/tmp/httpserver-token-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, bytes), bytes);
    close(fd);
    int result = admin_token_read(path, token, reason);
    unlink(path);
    return result;
}

static void white_space_at_the_end_does_not_count(void **state)
{
    (void)state;
    static const char *const texts[] = {"0123456789abcdef", "0123456789abcdef\n",
                                        "0123456789abcdef \r\n\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char token[ADMIN_TOKEN_MAX_BYTES + 1];
        const char *reason = NULL;
        assert_int_equal(read_text(texts[i], strlen(texts[i]), token, &reason), 0);
        assert_string_equal(token, "0123456789abcdef");
    }
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    char longest[ADMIN_TOKEN_MAX_BYTES + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const texts[] = {"",
                                 "0123456789abcde",
                                 "0123456789 abcdef",
                                 " 0123456789abcdef",
                                 "0123456789abcdef\nx",
                                 "0123456789abcd\xc3\xa9",
                                 longest};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char token[ADMIN_TOKEN_MAX_BYTES + 1];
        const char *reason = NULL;
        assert_int_equal(read_text(texts[i], strlen(texts[i]), token, &reason), -EINVAL);
        assert_non_null(strstr(reason, "16 to 256"));
    }
    char token[ADMIN_TOKEN_MAX_BYTES + 1];
    const char *reason = NULL;
    assert_int_equal(read_text("0123456789abcdef\0x", 18, token, &reason), -EINVAL);
    longest[ADMIN_TOKEN_MAX_BYTES] = '\0';
    assert_int_equal(read_text(longest, ADMIN_TOKEN_MAX_BYTES, token, &reason), 0);
}

static void a_file_that_is_not_there_is_said(void **state)
{
    (void)state;
    char token[ADMIN_TOKEN_MAX_BYTES + 1];
    const char *reason = NULL;
    assert_int_equal(admin_token_read("/nowhere/token", token, &reason), -ENOENT);
    assert_string_equal(reason, strerror(ENOENT));
    assert_int_equal(admin_token_read("/tmp", token, &reason), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_at_the_end_does_not_count),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What `holdfast check` takes for names of code, and for tolerances. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "cli/check_options.h"
#include "viewer/check/ceilings.h"

static void names_of_code(void **state) {
    (void)state;
    static const struct {
        const char *name, *function, *file;
        bool matches;
    } cases[] = {
        {"load()", "load", "/srv/app/io.py", true},
        {"load()", "loads", "/srv/app/io.py", false},
        {"load()", "load", "", true},
        {"io.load()", "load", "/srv/app/io.py", true},
        {"io.load()", "load", "/srv/app/aio.py", false},
        {"io.load()", "save", "/srv/app/io.py", false},
        {"app.io.load()", "load", "/srv/app/io.py", true},
        {"app.io.load()", "load", "/srv/apps/io.py", false},
        {"app.io", "anything", "/srv/app/io.py", true},
        {"app", "anything", "/srv/app/io.py", true},
        {"app", "anything", "/srv/app/deep/io.py", true},
        {"app", "anything", "/srv/my.app/io.py", false},
        {"app", "anything", "/srv/app.py", true},
        {"app", "anything", "app.py", true},
        {"app", "anything", "app/__init__.py", true},
        {"app", "anything", "/srv/app", false},
        {"app", "anything", "/srv/app.", false},
        {"app", "anything", "/srv/app.d/x.py", false},
        {"app", "anything", "/srv/xapp/app/x.py", true},
        {"app.io", "anything", "/srv/app/x/io.py", false},
        {"numpy", "dot", "/usr/lib/python3/dist-packages/numpy/core/x.py", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct code_name name;
        if (!code_name_parse(cases[i].name, &name))
            fail_msg("%s is refused", cases[i].name);
        if (code_name_matches(&name, cases[i].function, cases[i].file) != cases[i].matches)
            fail_msg("%s and %s in %s", cases[i].name, cases[i].function, cases[i].file);
    }
}

static void names_that_are_none(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",        "()",  ".",        "a.",      ".a",       "a..b", "a.()",
        ".a()",    "a b", "a/b.py",   "load(x)", "load()()", "1a",   "a.1b()",
        "region:", "a:b", "'load()'", "(load)",  "a=load",   "\t",   "load( )"};
    struct code_name name;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (code_name_parse(cases[i], &name))
            fail_msg("'%s' is taken for a name", cases[i]);
    char big[400];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_false(code_name_parse(big, &name));
    memcpy(big + sizeof big - 3, "()", 3);
    assert_false(code_name_parse(big, &name));
}

static void tolerances(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes, above;
    } cases[] = {
        {"5%", 1000, 1050},
        {"5 %", 1000, 1050},
        {"2.5%", 1000, 1025},
        {"0.125%", 80000, 80100},
        {"0%", 77, 77},
        {"0", 77, 77},
        {"100%", 1ull << 47, 1ull << 48},
        {"1kB", 77, 1077},
        {"3MiB", 1, (3ull << 20) + 1},
        {"7", 1, 8},
        {"1%", 12345678901, 12469135690},
    };
    struct tolerance tolerance;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!tolerance_parse(cases[i].text, &tolerance))
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(tolerance_above(&tolerance, cases[i].bytes), cases[i].above);
    }
    static const char *const bad[] = {"",     "%",    "-1%", "5%%",       "5%x",
                                      "1e3%", "some", ".5%", "5 percent", "99999999999999999999%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tolerance_parse(bad[i], &tolerance))
            fail_msg("'%s' is taken for a tolerance", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_of_code),
                                       cmocka_unit_test(names_that_are_none),
                                       cmocka_unit_test(tolerances)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

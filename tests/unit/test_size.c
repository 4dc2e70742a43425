/* Sizes on the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/size.h"

static void good_sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"1", 1},
        {"1073741824", 1ull << 30},
        {"17B", 17},
        {"512MiB", 512ull << 20},
        {"512mib", 512ull << 20},
        {"2GB", 2000000000},
        {"2 GB", 2000000000},
        {"3kB", 3000},
        {"3KB", 3000},
        {"3K", 3072},
        {"3g", 3ull << 30},
        {"1.5GiB", 3ull << 29},
        {"1.5KiB", 1536},
        {"0.25MB", 250000},
        {"1.125TiB", (1ull << 40) + (1ull << 37)},
        {"255TiB", 255ull << 40},
        {"281474976710655", (1ull << 48) - 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t bytes = 0;
        if (!size_parse(cases[i].text, &bytes))
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void bad_sizes(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        "0",
        "0MiB",
        "0.0GB",
        "-1",
        "+1",
        "x",
        "MiB",
        "1.5",
        "1.",
        "1.GB",
        ".5GB",
        "1.2345GB",
        "1e9",
        "0x10",
        "1 2",
        "5MiBs",
        "5 M iB",
        "5MiB ",
        "12PiB",
        "256TiB",
        "281474976710656",
        "18446744073709551616",
        "99999999999999999999999GB",
        "1,5GB",
        "nan",
        "inf",
        "1\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t bytes = 0;
        if (size_parse(cases[i], &bytes))
            fail_msg("'%s' is taken for %lu bytes", cases[i], (unsigned long)bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_sizes), cmocka_unit_test(bad_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

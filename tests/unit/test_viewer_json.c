/* What the JSON report is written with: its bytes against jansson's own, and the rows that have
 * most against all of them sorted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "viewer/json.h"
#include "viewer/json_bytes.h"

#include <stdlib.h>
#include <string.h>

/* Of what has to be escaped, what has not, and what takes several bytes. */
static json_t *random_text(void) {
    static const char *const pieces[] = {"a",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\t\r\b\f",
                                         "\x01",
                                         "\x1f",
                                         "\x7f",
                                         "\u00e9",
                                         "\U0001f40d \u2028",
                                         "words"};
    char text[200] = "";
    for (int left = rand() % 12; left > 0; left--)
        strcat(text, pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)]);
    return json_string(text);
}

static json_int_t random_integer(void) {
    static const json_int_t edges[] = {0, -1, 9, 10, INT64_MAX, INT64_MIN, 1ll << 32};
    return rand() % 2 ? edges[(size_t)rand() % (sizeof edges / sizeof *edges)] : rand() - rand();
}

static json_t *random_leaf(void) {
    switch (rand() % 6) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(rand() % 2);
    case 2:
        return json_integer(random_integer());
    case 3:
        return json_real((rand() % 2 ? 1e-9 : 1e12) * (rand() % 1000));
    default:
        return random_text();
    }
}

static json_t *random_value(int depth) {
    if (depth == 0 || rand() % 3 == 0)
        return random_leaf();
    bool list = rand() % 2;
    json_t *json = list ? json_array() : json_object();
    for (int left = rand() % 6; left > 0; left--) {
        json_t *key = random_text();
        json_t *value = random_value(depth - 1);
        if (list)
            json_array_append_new(json, value);
        else
            json_object_set_new(json, json_string_value(key), value);
        json_decref(key);
    }
    return json;
}

static void bytes_are_as_jansson_has_them(void **state) {
    (void)state;
    struct json_bytes bytes = {0};
    for (int round = 0; round < 20000; round++) {
        json_t *json = random_value(4);
        char *wanted = json_dumps(json, JSON_REPORT_FLAGS | JSON_ENCODE_ANY);
        bytes.size = 0;
        json_bytes_value(&bytes, json);
        assert_false(bytes.failed);
        assert_int_equal(bytes.size, strlen(wanted));
        assert_memory_equal(bytes.data, wanted, bytes.size);
        if (json_is_object(json)) {
            bytes.size = 0;
            json_bytes_members(&bytes, json);
            assert_int_equal(bytes.size, strlen(wanted) - 2);
            assert_memory_equal(bytes.data, wanted + 1, bytes.size);
        }
        free(wanted);
        json_decref(json);
    }
    json_bytes_value(&bytes, NULL); /* as where memory ran out */
    assert_true(bytes.failed);
    json_bytes_release(&bytes);
}

static bool comes_before(const struct turnover_row *a, const struct turnover_row *b) {
    return a->made_bytes != b->made_bytes ? a->made_bytes > b->made_bytes : a->node < b->node;
}

/* Each has its place by how many come before it; sizes are few, so that nodes decide, too. */
static void the_most_come_first(void **state) {
    (void)state;
    enum { ROWS = 300 };
    struct turnover_row rows[ROWS];
    uint32_t order[ROWS];
    for (int round = 0; round < 300; round++) {
        uint32_t count = (uint32_t)rand() % ROWS, most = (uint32_t)rand() % 40, having = 0;
        struct turnover turnover = {.rows = rows, .order = order, .count = count};
        for (uint32_t i = 0; i < count; i++) {
            rows[i] = (struct turnover_row){.node = (i * 7919u) % ROWS,
                                            .made_bytes = (uint64_t)rand() % 20};
            having += rows[i].made_bytes > 0;
        }
        uint32_t found = turnover_most(&turnover, turnover_made, most);
        assert_int_equal(found, having < most ? having : most);
        for (uint32_t place = 0; place < found; place++) {
            uint32_t before = 0;
            for (uint32_t i = 0; i < count; i++)
                before += comes_before(&rows[i], &rows[order[place]]);
            assert_int_equal(before, place);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_jansson_has_them),
        cmocka_unit_test(the_most_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

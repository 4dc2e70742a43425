/* See size.h. Without floating point, so that every byte is right. */
#include "size.h"

#include <stddef.h>
#include <strings.h>

#define SIZE_END (1ull << 48)

static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"", 1},
    {"B", 1},
    {"K", 1ull << 10},
    {"KiB", 1ull << 10},
    {"M", 1ull << 20},
    {"MiB", 1ull << 20},
    {"G", 1ull << 30},
    {"GiB", 1ull << 30},
    {"T", 1ull << 40},
    {"TiB", 1ull << 40},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
};

static bool find_unit(const char *text, uint64_t *unit) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcasecmp(text, units[i].name) == 0) {
            *unit = units[i].bytes;
            return true;
        }
    return false;
}

/* Digits of a whole number below SIZE_END. */
static bool read_whole(const char **text, uint64_t *whole) {
    const char *at = *text;
    for (*whole = 0; *at >= '0' && *at <= '9' && *whole < SIZE_END; at++)
        *whole = *whole * 10 + (uint64_t)(*at - '0');
    bool some = at != *text && *whole < SIZE_END;
    *text = at;
    return some;
}

/* Up to three digits behind the point, as thousandths. */
static bool read_fraction(const char **text, uint64_t *thousandths) {
    *thousandths = 0;
    if (**text != '.')
        return true;
    const char *at = *text + 1;
    uint64_t weight = 100;
    for (; *at >= '0' && *at <= '9' && weight > 0; at++, weight /= 10)
        *thousandths += weight * (uint64_t)(*at - '0');
    bool some = at > *text + 1;
    *text = at;
    return some;
}

bool size_parse(const char *text, uint64_t *bytes) {
    uint64_t whole, thousandths, unit, size;
    if (!read_whole(&text, &whole) || !read_fraction(&text, &thousandths))
        return false;
    while (*text == ' ')
        text++;
    if (!find_unit(text, &unit) || __builtin_mul_overflow(whole, unit, &size))
        return false;
    if (unit == 1 && thousandths > 0)
        return false;
    size += unit / 1000 * thousandths + unit % 1000 * thousandths / 1000;
    *bytes = size;
    return size > 0 && size < SIZE_END;
}

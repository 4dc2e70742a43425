/* The layouts that the hot functions are compiled for, each with its offsets as constants: a load
 * saved at each look at a frame. LAYOUT_OTHER stands for what python.at says.
 */
#ifndef HOLDFAST_PRELOAD_LAYOUTS_H
#define HOLDFAST_PRELOAD_LAYOUTS_H

#include "python.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#include "offsets/3.10.h"
#include "offsets/3.11.h"
#include "offsets/3.12.h"
#include "offsets/3.13.h"
#include "offsets/3.14.h"
#pragma GCC diagnostic pop

#define hot_inline inline __attribute__((always_inline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Makes what `macro` does for a layout, for each. */
#define EACH_LAYOUT(macro)                                                                         \
    macro(LAYOUT_OTHER) macro(LAYOUT_3_10) macro(LAYOUT_3_11) macro(LAYOUT_3_12)                   \
        macro(LAYOUT_3_13) macro(LAYOUT_3_14)

static hot_inline const struct python_offsets *layout_offsets(enum python_layout layout) {
    switch (layout) {
    case LAYOUT_3_10:
        return &offsets_3_10;
    case LAYOUT_3_11:
        return &offsets_3_11;
    case LAYOUT_3_12:
        return &offsets_3_12;
    case LAYOUT_3_13:
        return &offsets_3_13;
    case LAYOUT_3_14:
        return &offsets_3_14;
    default:
        return &python.at;
    }
}

#endif

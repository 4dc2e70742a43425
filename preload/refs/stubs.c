/* The functions that slots lead to: one for each module and function, so that a call says by itself
 * which module makes it. A return address would not: a call that ends a function is a jump, and
 * leaves the address of some other module. */
#include "refs.h"

/* clang-format off */
#define EACH_LOW(DO, high)                                          \
    DO(high##0) DO(high##1) DO(high##2) DO(high##3)                 \
    DO(high##4) DO(high##5) DO(high##6) DO(high##7)                 \
    DO(high##8) DO(high##9) DO(high##a) DO(high##b)                 \
    DO(high##c) DO(high##d) DO(high##e) DO(high##f)
#define EACH_MODULE(DO)                                             \
    EACH_LOW(DO, 0x0) EACH_LOW(DO, 0x1) EACH_LOW(DO, 0x2) EACH_LOW(DO, 0x3) \
    EACH_LOW(DO, 0x4) EACH_LOW(DO, 0x5) EACH_LOW(DO, 0x6) EACH_LOW(DO, 0x7) \
    EACH_LOW(DO, 0x8) EACH_LOW(DO, 0x9) EACH_LOW(DO, 0xa) EACH_LOW(DO, 0xb) \
    EACH_LOW(DO, 0xc) EACH_LOW(DO, 0xd) EACH_LOW(DO, 0xe) EACH_LOW(DO, 0xf)
/* clang-format on */

#define STUBS(module)                                                                              \
    static void incref_##module(char *object) {                                                    \
        refs_incref(object, module);                                                               \
    }                                                                                              \
    static void decref_##module(char *object) {                                                    \
        refs_decref(object, module);                                                               \
    }

EACH_MODULE(STUBS)

#define INCREF(module) incref_##module,
#define DECREF(module) decref_##module,

refs_stub *const refs_stubs[REFS_NUMBERED][REFS_MODULES] = {
    [REFS_INCREF] = {EACH_MODULE(INCREF)},
    [REFS_DECREF] = {EACH_MODULE(DECREF)},
};

/* CPython 3.8: written by scripts/gen-opcodes, which asked an interpreter. */
/* clang-format off */
static const struct opcode_table opcodes_3_8 = {
    .minor = 8,
    .jump_bytes = 1,
    .exception_table = false,
    .shared_handlers = true,
    .opcodes = {
        [1] = {.flags = OPCODE_KNOWN, .base = 1, .next.constant = -1}, /* POP_TOP */
        [2] = {.flags = OPCODE_KNOWN, .base = 2}, /* ROT_TWO */
        [3] = {.flags = OPCODE_KNOWN, .base = 3}, /* ROT_THREE */
        [4] = {.flags = OPCODE_KNOWN, .base = 4, .next.constant = 1}, /* DUP_TOP */
        [5] = {.flags = OPCODE_KNOWN, .base = 5, .next.constant = 2}, /* DUP_TOP_TWO */
        [6] = {.flags = OPCODE_KNOWN, .base = 6}, /* ROT_FOUR */
        [9] = {.flags = OPCODE_KNOWN, .base = 9}, /* NOP */
        [10] = {.flags = OPCODE_KNOWN, .base = 10}, /* UNARY_POSITIVE */
        [11] = {.flags = OPCODE_KNOWN, .base = 11}, /* UNARY_NEGATIVE */
        [12] = {.flags = OPCODE_KNOWN, .base = 12}, /* UNARY_NOT */
        [15] = {.flags = OPCODE_KNOWN, .base = 15}, /* UNARY_INVERT */
        [16] = {.flags = OPCODE_KNOWN, .base = 16, .next.constant = -1}, /* BINARY_MATRIX_MULTIPLY */
        [17] = {.flags = OPCODE_KNOWN, .base = 17, .next.constant = -1}, /* INPLACE_MATRIX_MULTIPLY */
        [19] = {.flags = OPCODE_KNOWN, .base = 19, .next.constant = -1}, /* BINARY_POWER */
        [20] = {.flags = OPCODE_KNOWN, .base = 20, .next.constant = -1}, /* BINARY_MULTIPLY */
        [22] = {.flags = OPCODE_KNOWN, .base = 22, .next.constant = -1}, /* BINARY_MODULO */
        [23] = {.flags = OPCODE_KNOWN, .base = 23, .next.constant = -1}, /* BINARY_ADD */
        [24] = {.flags = OPCODE_KNOWN, .base = 24, .next.constant = -1}, /* BINARY_SUBTRACT */
        [25] = {.flags = OPCODE_KNOWN, .base = 25, .next.constant = -1}, /* BINARY_SUBSCR */
        [26] = {.flags = OPCODE_KNOWN, .base = 26, .next.constant = -1}, /* BINARY_FLOOR_DIVIDE */
        [27] = {.flags = OPCODE_KNOWN, .base = 27, .next.constant = -1}, /* BINARY_TRUE_DIVIDE */
        [28] = {.flags = OPCODE_KNOWN, .base = 28, .next.constant = -1}, /* INPLACE_FLOOR_DIVIDE */
        [29] = {.flags = OPCODE_KNOWN, .base = 29, .next.constant = -1}, /* INPLACE_TRUE_DIVIDE */
        [50] = {.flags = OPCODE_KNOWN, .base = 50}, /* GET_AITER */
        [51] = {.flags = OPCODE_KNOWN, .base = 51, .next.constant = 1}, /* GET_ANEXT */
        [52] = {.flags = OPCODE_KNOWN, .base = 52, .next.constant = 1}, /* BEFORE_ASYNC_WITH */
        [53] = {.flags = OPCODE_KNOWN | OPCODE_ENTERS_FINALLY, .base = 53, .next.constant = 6}, /* BEGIN_FINALLY */
        [54] = {.flags = OPCODE_KNOWN | OPCODE_LEAVES_HANDLER, .base = 54, .next.constant = -7}, /* END_ASYNC_FOR */
        [55] = {.flags = OPCODE_KNOWN, .base = 55, .next.constant = -1}, /* INPLACE_ADD */
        [56] = {.flags = OPCODE_KNOWN, .base = 56, .next.constant = -1}, /* INPLACE_SUBTRACT */
        [57] = {.flags = OPCODE_KNOWN, .base = 57, .next.constant = -1}, /* INPLACE_MULTIPLY */
        [59] = {.flags = OPCODE_KNOWN, .base = 59, .next.constant = -1}, /* INPLACE_MODULO */
        [60] = {.flags = OPCODE_KNOWN, .base = 60, .next.constant = -3}, /* STORE_SUBSCR */
        [61] = {.flags = OPCODE_KNOWN, .base = 61, .next.constant = -2}, /* DELETE_SUBSCR */
        [62] = {.flags = OPCODE_KNOWN, .base = 62, .next.constant = -1}, /* BINARY_LSHIFT */
        [63] = {.flags = OPCODE_KNOWN, .base = 63, .next.constant = -1}, /* BINARY_RSHIFT */
        [64] = {.flags = OPCODE_KNOWN, .base = 64, .next.constant = -1}, /* BINARY_AND */
        [65] = {.flags = OPCODE_KNOWN, .base = 65, .next.constant = -1}, /* BINARY_XOR */
        [66] = {.flags = OPCODE_KNOWN, .base = 66, .next.constant = -1}, /* BINARY_OR */
        [67] = {.flags = OPCODE_KNOWN, .base = 67, .next.constant = -1}, /* INPLACE_POWER */
        [68] = {.flags = OPCODE_KNOWN, .base = 68}, /* GET_ITER */
        [69] = {.flags = OPCODE_KNOWN, .base = 69}, /* GET_YIELD_FROM_ITER */
        [70] = {.flags = OPCODE_KNOWN, .base = 70, .next.constant = -1}, /* PRINT_EXPR */
        [71] = {.flags = OPCODE_KNOWN, .base = 71, .next.constant = 1}, /* LOAD_BUILD_CLASS */
        [72] = {.flags = OPCODE_KNOWN, .base = 72, .next.constant = -1}, /* YIELD_FROM */
        [73] = {.flags = OPCODE_KNOWN, .base = 73}, /* GET_AWAITABLE */
        [75] = {.flags = OPCODE_KNOWN, .base = 75, .next.constant = -1}, /* INPLACE_LSHIFT */
        [76] = {.flags = OPCODE_KNOWN, .base = 76, .next.constant = -1}, /* INPLACE_RSHIFT */
        [77] = {.flags = OPCODE_KNOWN, .base = 77, .next.constant = -1}, /* INPLACE_AND */
        [78] = {.flags = OPCODE_KNOWN, .base = 78, .next.constant = -1}, /* INPLACE_XOR */
        [79] = {.flags = OPCODE_KNOWN, .base = 79, .next.constant = -1}, /* INPLACE_OR */
        [81] = {.flags = OPCODE_KNOWN, .base = 81, .next.constant = 2}, /* WITH_CLEANUP_START */
        [82] = {.flags = OPCODE_KNOWN | OPCODE_SUPPRESSES, .base = 82, .next.constant = -3}, /* WITH_CLEANUP_FINISH */
        [83] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 83, .next.constant = -1}, /* RETURN_VALUE */
        [84] = {.flags = OPCODE_KNOWN, .base = 84, .next.constant = -1}, /* IMPORT_STAR */
        [85] = {.flags = OPCODE_KNOWN, .base = 85}, /* SETUP_ANNOTATIONS */
        [86] = {.flags = OPCODE_KNOWN, .base = 86}, /* YIELD_VALUE */
        [87] = {.flags = OPCODE_KNOWN | OPCODE_POP_BLOCK, .base = 87}, /* POP_BLOCK */
        [88] = {.flags = OPCODE_KNOWN | OPCODE_LEAVES_HANDLER | OPCODE_RETURNS_FINALLY, .base = 88, .next.constant = -6}, /* END_FINALLY */
        [89] = {.flags = OPCODE_KNOWN | OPCODE_LEAVES_HANDLER, .base = 89, .next.constant = -3}, /* POP_EXCEPT */
        [90] = {.flags = OPCODE_KNOWN, .base = 90, .next.constant = -1}, /* STORE_NAME */
        [91] = {.flags = OPCODE_KNOWN, .base = 91}, /* DELETE_NAME */
        [92] = {.flags = OPCODE_KNOWN, .base = 92, .next.constant = -1, .next.factor = 1, .next.of = EFFECT_ARGUMENT}, /* UNPACK_SEQUENCE */
        [93] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 93, .next.constant = 1, .jump.constant = -1}, /* FOR_ITER */
        [94] = {.flags = OPCODE_KNOWN, .base = 94, .next.factor = 1, .next.of = EFFECT_TWO_BYTES}, /* UNPACK_EX */
        [95] = {.flags = OPCODE_KNOWN, .base = 95, .next.constant = -2}, /* STORE_ATTR */
        [96] = {.flags = OPCODE_KNOWN, .base = 96, .next.constant = -1}, /* DELETE_ATTR */
        [97] = {.flags = OPCODE_KNOWN, .base = 97, .next.constant = -1}, /* STORE_GLOBAL */
        [98] = {.flags = OPCODE_KNOWN, .base = 98}, /* DELETE_GLOBAL */
        [100] = {.flags = OPCODE_KNOWN, .base = 100, .next.constant = 1}, /* LOAD_CONST */
        [101] = {.flags = OPCODE_KNOWN, .base = 101, .next.constant = 1}, /* LOAD_NAME */
        [102] = {.flags = OPCODE_KNOWN, .base = 102, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_TUPLE */
        [103] = {.flags = OPCODE_KNOWN, .base = 103, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_LIST */
        [104] = {.flags = OPCODE_KNOWN, .base = 104, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_SET */
        [105] = {.flags = OPCODE_KNOWN, .base = 105, .next.constant = 1, .next.factor = -2, .next.of = EFFECT_ARGUMENT}, /* BUILD_MAP */
        [106] = {.flags = OPCODE_KNOWN, .base = 106}, /* LOAD_ATTR */
        [107] = {.flags = OPCODE_KNOWN, .base = 107, .next.constant = -1}, /* COMPARE_OP */
        [108] = {.flags = OPCODE_KNOWN, .base = 108, .next.constant = -1}, /* IMPORT_NAME */
        [109] = {.flags = OPCODE_KNOWN, .base = 109, .next.constant = 1}, /* IMPORT_FROM */
        [110] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_FORWARD, .base = 110}, /* JUMP_FORWARD */
        [111] = {.flags = OPCODE_KNOWN | OPCODE_ABSOLUTE, .base = 111, .next.constant = -1}, /* JUMP_IF_FALSE_OR_POP */
        [112] = {.flags = OPCODE_KNOWN | OPCODE_ABSOLUTE, .base = 112, .next.constant = -1}, /* JUMP_IF_TRUE_OR_POP */
        [113] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_ABSOLUTE, .base = 113}, /* JUMP_ABSOLUTE */
        [114] = {.flags = OPCODE_KNOWN | OPCODE_ABSOLUTE, .base = 114, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_FALSE */
        [115] = {.flags = OPCODE_KNOWN | OPCODE_ABSOLUTE, .base = 115, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_TRUE */
        [116] = {.flags = OPCODE_KNOWN, .base = 116, .next.constant = 1}, /* LOAD_GLOBAL */
        [122] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD | OPCODE_SETUP, .base = 122, .jump.constant = 6}, /* SETUP_FINALLY */
        [124] = {.flags = OPCODE_KNOWN, .base = 124, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST */
        [125] = {.flags = OPCODE_KNOWN, .base = 125, .locals = {LOCAL_WRITE}, .next.constant = -1}, /* STORE_FAST */
        [126] = {.flags = OPCODE_KNOWN, .base = 126, .locals = {LOCAL_WRITE}}, /* DELETE_FAST */
        [130] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 130, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* RAISE_VARARGS */
        [131] = {.flags = OPCODE_KNOWN, .base = 131, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL_FUNCTION */
        [132] = {.flags = OPCODE_KNOWN, .base = 132, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_FOUR_BITS}, /* MAKE_FUNCTION */
        [133] = {.flags = OPCODE_KNOWN, .base = 133, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_IS_THREE}, /* BUILD_SLICE */
        [135] = {.flags = OPCODE_KNOWN, .base = 135, .next.constant = 1}, /* LOAD_CLOSURE */
        [136] = {.flags = OPCODE_KNOWN, .base = 136, .next.constant = 1}, /* LOAD_DEREF */
        [137] = {.flags = OPCODE_KNOWN, .base = 137, .next.constant = -1}, /* STORE_DEREF */
        [138] = {.flags = OPCODE_KNOWN, .base = 138}, /* DELETE_DEREF */
        [141] = {.flags = OPCODE_KNOWN, .base = 141, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL_FUNCTION_KW */
        [142] = {.flags = OPCODE_KNOWN, .base = 142, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_LOWEST_BIT}, /* CALL_FUNCTION_EX */
        [143] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD | OPCODE_SETUP, .base = 143, .next.constant = 1, .jump.constant = 6}, /* SETUP_WITH */
        [144] = {.flags = OPCODE_KNOWN | OPCODE_PREFIX, .base = 144}, /* EXTENDED_ARG */
        [145] = {.flags = OPCODE_KNOWN, .base = 145, .next.constant = -1}, /* LIST_APPEND */
        [146] = {.flags = OPCODE_KNOWN, .base = 146, .next.constant = -1}, /* SET_ADD */
        [147] = {.flags = OPCODE_KNOWN, .base = 147, .next.constant = -2}, /* MAP_ADD */
        [148] = {.flags = OPCODE_KNOWN, .base = 148, .next.constant = 1}, /* LOAD_CLASSDEREF */
        [149] = {.flags = OPCODE_KNOWN, .base = 149, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_LIST_UNPACK */
        [150] = {.flags = OPCODE_KNOWN, .base = 150, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_MAP_UNPACK */
        [151] = {.flags = OPCODE_KNOWN, .base = 151, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_MAP_UNPACK_WITH_CALL */
        [152] = {.flags = OPCODE_KNOWN, .base = 152, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_TUPLE_UNPACK */
        [153] = {.flags = OPCODE_KNOWN, .base = 153, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_SET_UNPACK */
        [154] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD | OPCODE_SETUP, .base = 154, .jump.constant = 5}, /* SETUP_ASYNC_WITH */
        [155] = {.flags = OPCODE_KNOWN, .base = 155, .next.factor = -1, .next.of = EFFECT_THIRD_BIT}, /* FORMAT_VALUE */
        [156] = {.flags = OPCODE_KNOWN, .base = 156, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_CONST_KEY_MAP */
        [157] = {.flags = OPCODE_KNOWN, .base = 157, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_STRING */
        [158] = {.flags = OPCODE_KNOWN, .base = 158, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_TUPLE_UNPACK_WITH_CALL */
        [160] = {.flags = OPCODE_KNOWN, .base = 160, .next.constant = 1}, /* LOAD_METHOD */
        [161] = {.flags = OPCODE_KNOWN, .base = 161, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL_METHOD */
        [162] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD | OPCODE_ENTERS_FINALLY | OPCODE_CALLS_FINALLY, .base = 162, .jump.constant = 6}, /* CALL_FINALLY */
        [163] = {.flags = OPCODE_KNOWN | OPCODE_LEAVES_HANDLER, .base = 163, .next.constant = -6}, /* POP_FINALLY */
    },
};

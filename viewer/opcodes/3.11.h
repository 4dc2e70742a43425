/* CPython 3.11: written by scripts/gen-opcodes, which asked an interpreter. */
/* clang-format off */
static const struct opcode_table opcodes_3_11 = {
    .minor = 11,
    .jump_bytes = 2,
    .exception_table = true,
    .shared_handlers = false,
    .opcodes = {
        [1] = {.flags = OPCODE_KNOWN, .base = 1, .next.constant = -1}, /* POP_TOP */
        [2] = {.flags = OPCODE_KNOWN, .base = 2, .next.constant = 1}, /* PUSH_NULL */
        [3] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_ADAPTIVE */
        [4] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_ADD_FLOAT */
        [5] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_ADD_INT */
        [6] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_ADD_UNICODE */
        [7] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 122}, /* BINARY_OP_INPLACE_ADD_UNICODE */
        [8] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_MULTIPLY_FLOAT */
        [9] = {.flags = OPCODE_KNOWN, .base = 9}, /* NOP */
        [10] = {.flags = OPCODE_KNOWN, .base = 10}, /* UNARY_POSITIVE */
        [11] = {.flags = OPCODE_KNOWN, .base = 11}, /* UNARY_NEGATIVE */
        [12] = {.flags = OPCODE_KNOWN, .base = 12}, /* UNARY_NOT */
        [13] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_MULTIPLY_INT */
        [14] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_SUBTRACT_FLOAT */
        [15] = {.flags = OPCODE_KNOWN, .base = 15}, /* UNARY_INVERT */
        [16] = {.flags = OPCODE_KNOWN, .base = 122}, /* BINARY_OP_SUBTRACT_INT */
        [17] = {.flags = OPCODE_KNOWN, .base = 25}, /* BINARY_SUBSCR_ADAPTIVE */
        [18] = {.flags = OPCODE_KNOWN, .base = 25}, /* BINARY_SUBSCR_DICT */
        [19] = {.flags = OPCODE_KNOWN, .base = 25}, /* BINARY_SUBSCR_GETITEM */
        [20] = {.flags = OPCODE_KNOWN, .base = 25}, /* BINARY_SUBSCR_LIST_INT */
        [21] = {.flags = OPCODE_KNOWN, .base = 25}, /* BINARY_SUBSCR_TUPLE_INT */
        [22] = {.flags = OPCODE_KNOWN, .base = 171}, /* CALL_ADAPTIVE */
        [23] = {.flags = OPCODE_KNOWN, .base = 171}, /* CALL_PY_EXACT_ARGS */
        [24] = {.flags = OPCODE_KNOWN, .base = 171}, /* CALL_PY_WITH_DEFAULTS */
        [25] = {.flags = OPCODE_KNOWN, .base = 25, .caches = 4, .next.constant = -1}, /* BINARY_SUBSCR */
        [26] = {.flags = OPCODE_KNOWN, .base = 107}, /* COMPARE_OP_ADAPTIVE */
        [27] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 107}, /* COMPARE_OP_FLOAT_JUMP */
        [28] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 107}, /* COMPARE_OP_INT_JUMP */
        [29] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 107}, /* COMPARE_OP_STR_JUMP */
        [30] = {.flags = OPCODE_KNOWN, .base = 30, .next.constant = 1}, /* GET_LEN */
        [31] = {.flags = OPCODE_KNOWN, .base = 31, .next.constant = 1}, /* MATCH_MAPPING */
        [32] = {.flags = OPCODE_KNOWN, .base = 32, .next.constant = 1}, /* MATCH_SEQUENCE */
        [33] = {.flags = OPCODE_KNOWN, .base = 33, .next.constant = 1}, /* MATCH_KEYS */
        [34] = {.flags = OPCODE_KNOWN, .base = 144}, /* EXTENDED_ARG_QUICK */
        [35] = {.flags = OPCODE_KNOWN, .base = 35, .next.constant = 1}, /* PUSH_EXC_INFO */
        [36] = {.flags = OPCODE_KNOWN, .base = 36}, /* CHECK_EXC_MATCH */
        [37] = {.flags = OPCODE_KNOWN, .base = 37}, /* CHECK_EG_MATCH */
        [38] = {.flags = OPCODE_KNOWN, .base = 140}, /* JUMP_BACKWARD_QUICK */
        [39] = {.flags = OPCODE_KNOWN, .base = 106}, /* LOAD_ATTR_ADAPTIVE */
        [40] = {.flags = OPCODE_KNOWN, .base = 106}, /* LOAD_ATTR_INSTANCE_VALUE */
        [41] = {.flags = OPCODE_KNOWN, .base = 106}, /* LOAD_ATTR_MODULE */
        [42] = {.flags = OPCODE_KNOWN, .base = 106}, /* LOAD_ATTR_SLOT */
        [43] = {.flags = OPCODE_KNOWN, .base = 106}, /* LOAD_ATTR_WITH_HINT */
        [44] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 100}, /* LOAD_CONST__LOAD_FAST */
        [45] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 124}, /* LOAD_FAST__LOAD_CONST */
        [46] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 124}, /* LOAD_FAST__LOAD_FAST */
        [47] = {.flags = OPCODE_KNOWN, .base = 116}, /* LOAD_GLOBAL_ADAPTIVE */
        [48] = {.flags = OPCODE_KNOWN, .base = 116}, /* LOAD_GLOBAL_BUILTIN */
        [49] = {.flags = OPCODE_KNOWN, .base = 49, .next.constant = 1}, /* WITH_EXCEPT_START */
        [50] = {.flags = OPCODE_KNOWN, .base = 50}, /* GET_AITER */
        [51] = {.flags = OPCODE_KNOWN, .base = 51, .next.constant = 1}, /* GET_ANEXT */
        [52] = {.flags = OPCODE_KNOWN, .base = 52, .next.constant = 1}, /* BEFORE_ASYNC_WITH */
        [53] = {.flags = OPCODE_KNOWN, .base = 53, .next.constant = 1}, /* BEFORE_WITH */
        [54] = {.flags = OPCODE_KNOWN, .base = 54, .next.constant = -2}, /* END_ASYNC_FOR */
        [55] = {.flags = OPCODE_KNOWN, .base = 116}, /* LOAD_GLOBAL_MODULE */
        [56] = {.flags = OPCODE_KNOWN, .base = 160}, /* LOAD_METHOD_ADAPTIVE */
        [57] = {.flags = OPCODE_KNOWN, .base = 160}, /* LOAD_METHOD_CLASS */
        [58] = {.flags = OPCODE_KNOWN, .base = 160}, /* LOAD_METHOD_MODULE */
        [59] = {.flags = OPCODE_KNOWN, .base = 160}, /* LOAD_METHOD_NO_DICT */
        [60] = {.flags = OPCODE_KNOWN, .base = 60, .caches = 1, .next.constant = -3}, /* STORE_SUBSCR */
        [61] = {.flags = OPCODE_KNOWN, .base = 61, .next.constant = -2}, /* DELETE_SUBSCR */
        [62] = {.flags = OPCODE_KNOWN, .base = 160}, /* LOAD_METHOD_WITH_DICT */
        [63] = {.flags = OPCODE_KNOWN, .base = 160}, /* LOAD_METHOD_WITH_VALUES */
        [64] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_ADAPTIVE */
        [65] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_BOUND_METHOD */
        [66] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_BUILTIN_CLASS */
        [67] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_BUILTIN_FAST_WITH_KEYWORDS */
        [68] = {.flags = OPCODE_KNOWN, .base = 68}, /* GET_ITER */
        [69] = {.flags = OPCODE_KNOWN, .base = 69}, /* GET_YIELD_FROM_ITER */
        [70] = {.flags = OPCODE_KNOWN, .base = 70, .next.constant = -1}, /* PRINT_EXPR */
        [71] = {.flags = OPCODE_KNOWN, .base = 71, .next.constant = 1}, /* LOAD_BUILD_CLASS */
        [72] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_METHOD_DESCRIPTOR_FAST_WITH_KEYWORDS */
        [73] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_BUILTIN_FAST */
        [74] = {.flags = OPCODE_KNOWN, .base = 74, .next.constant = 1}, /* LOAD_ASSERTION_ERROR */
        [75] = {.flags = OPCODE_KNOWN, .base = 75, .next.constant = 1}, /* RETURN_GENERATOR */
        [76] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_BUILTIN_O */
        [77] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_ISINSTANCE */
        [78] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_LEN */
        [79] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_LIST_APPEND */
        [80] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_METHOD_DESCRIPTOR_FAST */
        [81] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_METHOD_DESCRIPTOR_NOARGS */
        [82] = {.flags = OPCODE_KNOWN, .base = 82}, /* LIST_TO_TUPLE */
        [83] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 83, .next.constant = -1}, /* RETURN_VALUE */
        [84] = {.flags = OPCODE_KNOWN, .base = 84, .next.constant = -1}, /* IMPORT_STAR */
        [85] = {.flags = OPCODE_KNOWN, .base = 85}, /* SETUP_ANNOTATIONS */
        [86] = {.flags = OPCODE_KNOWN, .base = 86}, /* YIELD_VALUE */
        [87] = {.flags = OPCODE_KNOWN, .base = 87}, /* ASYNC_GEN_WRAP */
        [88] = {.flags = OPCODE_KNOWN, .base = 88, .next.constant = -1}, /* PREP_RERAISE_STAR */
        [89] = {.flags = OPCODE_KNOWN, .base = 89, .next.constant = -1}, /* POP_EXCEPT */
        [90] = {.flags = OPCODE_KNOWN, .base = 90, .next.constant = -1}, /* STORE_NAME */
        [91] = {.flags = OPCODE_KNOWN, .base = 91}, /* DELETE_NAME */
        [92] = {.flags = OPCODE_KNOWN, .base = 92, .caches = 1, .next.constant = -1, .next.factor = 1, .next.of = EFFECT_ARGUMENT}, /* UNPACK_SEQUENCE */
        [93] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 93, .next.constant = 1, .jump.constant = -1}, /* FOR_ITER */
        [94] = {.flags = OPCODE_KNOWN, .base = 94, .next.factor = 1, .next.of = EFFECT_TWO_BYTES}, /* UNPACK_EX */
        [95] = {.flags = OPCODE_KNOWN, .base = 95, .caches = 4, .next.constant = -2}, /* STORE_ATTR */
        [96] = {.flags = OPCODE_KNOWN, .base = 96, .next.constant = -1}, /* DELETE_ATTR */
        [97] = {.flags = OPCODE_KNOWN, .base = 97, .next.constant = -1}, /* STORE_GLOBAL */
        [98] = {.flags = OPCODE_KNOWN, .base = 98}, /* DELETE_GLOBAL */
        [99] = {.flags = OPCODE_KNOWN, .base = 99}, /* SWAP */
        [100] = {.flags = OPCODE_KNOWN, .base = 100, .next.constant = 1}, /* LOAD_CONST */
        [101] = {.flags = OPCODE_KNOWN, .base = 101, .next.constant = 1}, /* LOAD_NAME */
        [102] = {.flags = OPCODE_KNOWN, .base = 102, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_TUPLE */
        [103] = {.flags = OPCODE_KNOWN, .base = 103, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_LIST */
        [104] = {.flags = OPCODE_KNOWN, .base = 104, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_SET */
        [105] = {.flags = OPCODE_KNOWN, .base = 105, .next.constant = 1, .next.factor = -2, .next.of = EFFECT_ARGUMENT}, /* BUILD_MAP */
        [106] = {.flags = OPCODE_KNOWN, .base = 106, .caches = 4}, /* LOAD_ATTR */
        [107] = {.flags = OPCODE_KNOWN, .base = 107, .caches = 2, .next.constant = -1}, /* COMPARE_OP */
        [108] = {.flags = OPCODE_KNOWN, .base = 108, .next.constant = -1}, /* IMPORT_NAME */
        [109] = {.flags = OPCODE_KNOWN, .base = 109, .next.constant = 1}, /* IMPORT_FROM */
        [110] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_FORWARD, .base = 110}, /* JUMP_FORWARD */
        [111] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 111, .next.constant = -1}, /* JUMP_IF_FALSE_OR_POP */
        [112] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 112, .next.constant = -1}, /* JUMP_IF_TRUE_OR_POP */
        [113] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_METHOD_DESCRIPTOR_O */
        [114] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 114, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_FORWARD_IF_FALSE */
        [115] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 115, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_FORWARD_IF_TRUE */
        [116] = {.flags = OPCODE_KNOWN, .base = 116, .caches = 5, .next.constant = 1, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_GLOBAL */
        [117] = {.flags = OPCODE_KNOWN, .base = 117, .next.constant = -1}, /* IS_OP */
        [118] = {.flags = OPCODE_KNOWN, .base = 118, .next.constant = -1}, /* CONTAINS_OP */
        [119] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 119, .next.constant = -1}, /* RERAISE */
        [120] = {.flags = OPCODE_KNOWN, .base = 120, .next.constant = 1}, /* COPY */
        [121] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_STR_1 */
        [122] = {.flags = OPCODE_KNOWN, .base = 122, .caches = 1, .next.constant = -1}, /* BINARY_OP */
        [123] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 123, .jump.constant = -1}, /* SEND */
        [124] = {.flags = OPCODE_KNOWN, .base = 124, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST */
        [125] = {.flags = OPCODE_KNOWN, .base = 125, .locals = {LOCAL_WRITE}, .next.constant = -1}, /* STORE_FAST */
        [126] = {.flags = OPCODE_KNOWN, .base = 126, .locals = {LOCAL_WRITE}}, /* DELETE_FAST */
        [127] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_TUPLE_1 */
        [128] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 128, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_FORWARD_IF_NOT_NONE */
        [129] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 129, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_FORWARD_IF_NONE */
        [130] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 130, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* RAISE_VARARGS */
        [131] = {.flags = OPCODE_KNOWN, .base = 131}, /* GET_AWAITABLE */
        [132] = {.flags = OPCODE_KNOWN, .base = 132, .next.factor = -1, .next.of = EFFECT_FOUR_BITS}, /* MAKE_FUNCTION */
        [133] = {.flags = OPCODE_KNOWN, .base = 133, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_IS_THREE}, /* BUILD_SLICE */
        [134] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_BACKWARD, .base = 134}, /* JUMP_BACKWARD_NO_INTERRUPT */
        [135] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 135}, /* MAKE_CELL */
        [136] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 136, .next.constant = 1}, /* LOAD_CLOSURE */
        [137] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 137, .next.constant = 1}, /* LOAD_DEREF */
        [138] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 138, .next.constant = -1}, /* STORE_DEREF */
        [139] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 139}, /* DELETE_DEREF */
        [140] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_BACKWARD, .base = 140}, /* JUMP_BACKWARD */
        [141] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_NO_KW_TYPE_1 */
        [142] = {.flags = OPCODE_KNOWN, .base = 142, .next.constant = -2, .next.factor = -1, .next.of = EFFECT_LOWEST_BIT}, /* CALL_FUNCTION_EX */
        [143] = {.flags = OPCODE_KNOWN, .base = 166}, /* PRECALL_PYFUNC */
        [144] = {.flags = OPCODE_KNOWN | OPCODE_PREFIX, .base = 144}, /* EXTENDED_ARG */
        [145] = {.flags = OPCODE_KNOWN, .base = 145, .next.constant = -1}, /* LIST_APPEND */
        [146] = {.flags = OPCODE_KNOWN, .base = 146, .next.constant = -1}, /* SET_ADD */
        [147] = {.flags = OPCODE_KNOWN, .base = 147, .next.constant = -2}, /* MAP_ADD */
        [148] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 148, .next.constant = 1}, /* LOAD_CLASSDEREF */
        [149] = {.flags = OPCODE_KNOWN, .base = 149}, /* COPY_FREE_VARS */
        [150] = {.flags = OPCODE_KNOWN, .base = 151}, /* RESUME_QUICK */
        [151] = {.flags = OPCODE_KNOWN, .base = 151}, /* RESUME */
        [152] = {.flags = OPCODE_KNOWN, .base = 152, .next.constant = -2}, /* MATCH_CLASS */
        [153] = {.flags = OPCODE_KNOWN, .base = 95}, /* STORE_ATTR_ADAPTIVE */
        [154] = {.flags = OPCODE_KNOWN, .base = 95}, /* STORE_ATTR_INSTANCE_VALUE */
        [155] = {.flags = OPCODE_KNOWN, .base = 155, .next.factor = -1, .next.of = EFFECT_THIRD_BIT}, /* FORMAT_VALUE */
        [156] = {.flags = OPCODE_KNOWN, .base = 156, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_CONST_KEY_MAP */
        [157] = {.flags = OPCODE_KNOWN, .base = 157, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_STRING */
        [158] = {.flags = OPCODE_KNOWN, .base = 95}, /* STORE_ATTR_SLOT */
        [159] = {.flags = OPCODE_KNOWN, .base = 95}, /* STORE_ATTR_WITH_HINT */
        [160] = {.flags = OPCODE_KNOWN, .base = 160, .caches = 10, .next.constant = 1}, /* LOAD_METHOD */
        [161] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 125}, /* STORE_FAST__LOAD_FAST */
        [162] = {.flags = OPCODE_KNOWN, .base = 162, .next.constant = -1}, /* LIST_EXTEND */
        [163] = {.flags = OPCODE_KNOWN, .base = 163, .next.constant = -1}, /* SET_UPDATE */
        [164] = {.flags = OPCODE_KNOWN, .base = 164, .next.constant = -1}, /* DICT_MERGE */
        [165] = {.flags = OPCODE_KNOWN, .base = 165, .next.constant = -1}, /* DICT_UPDATE */
        [166] = {.flags = OPCODE_KNOWN, .base = 166, .caches = 1}, /* PRECALL */
        [167] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 125}, /* STORE_FAST__STORE_FAST */
        [168] = {.flags = OPCODE_KNOWN, .base = 60}, /* STORE_SUBSCR_ADAPTIVE */
        [169] = {.flags = OPCODE_KNOWN, .base = 60}, /* STORE_SUBSCR_DICT */
        [170] = {.flags = OPCODE_KNOWN, .base = 60}, /* STORE_SUBSCR_LIST_INT */
        [171] = {.flags = OPCODE_KNOWN, .base = 171, .caches = 4, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL */
        [172] = {.flags = OPCODE_KNOWN, .base = 172}, /* KW_NAMES */
        [173] = {.flags = OPCODE_KNOWN | OPCODE_BACKWARD, .base = 173, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_BACKWARD_IF_NOT_NONE */
        [174] = {.flags = OPCODE_KNOWN | OPCODE_BACKWARD, .base = 174, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_BACKWARD_IF_NONE */
        [175] = {.flags = OPCODE_KNOWN | OPCODE_BACKWARD, .base = 175, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_BACKWARD_IF_FALSE */
        [176] = {.flags = OPCODE_KNOWN | OPCODE_BACKWARD, .base = 176, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_BACKWARD_IF_TRUE */
        [177] = {.flags = OPCODE_KNOWN, .base = 92}, /* UNPACK_SEQUENCE_ADAPTIVE */
        [178] = {.flags = OPCODE_KNOWN, .base = 92}, /* UNPACK_SEQUENCE_LIST */
        [179] = {.flags = OPCODE_KNOWN, .base = 92}, /* UNPACK_SEQUENCE_TUPLE */
        [180] = {.flags = OPCODE_KNOWN, .base = 92}, /* UNPACK_SEQUENCE_TWO_TUPLE */
    },
};

/* CPython 3.14: written by scripts/gen-opcodes, which asked an interpreter. */
/* clang-format off */
static const struct opcode_table opcodes_3_14 = {
    .minor = 14,
    .jump_bytes = 2,
    .exception_table = true,
    .shared_handlers = false,
    .opcodes = {
        [1] = {.flags = OPCODE_KNOWN, .base = 1, .next.constant = -2}, /* BINARY_SLICE */
        [2] = {.flags = OPCODE_KNOWN, .base = 2, .next.constant = -1}, /* BUILD_TEMPLATE */
        [3] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 44}, /* BINARY_OP_INPLACE_ADD_UNICODE */
        [4] = {.flags = OPCODE_KNOWN, .base = 4, .next.constant = -3}, /* CALL_FUNCTION_EX */
        [5] = {.flags = OPCODE_KNOWN, .base = 5}, /* CHECK_EG_MATCH */
        [6] = {.flags = OPCODE_KNOWN, .base = 6}, /* CHECK_EXC_MATCH */
        [7] = {.flags = OPCODE_KNOWN, .base = 7, .next.constant = -1}, /* CLEANUP_THROW */
        [8] = {.flags = OPCODE_KNOWN, .base = 8, .next.constant = -2}, /* DELETE_SUBSCR */
        [9] = {.flags = OPCODE_KNOWN, .base = 9, .next.constant = -1}, /* END_FOR */
        [10] = {.flags = OPCODE_KNOWN, .base = 10, .next.constant = -1}, /* END_SEND */
        [11] = {.flags = OPCODE_KNOWN, .base = 11, .next.constant = -1}, /* EXIT_INIT_CHECK */
        [12] = {.flags = OPCODE_KNOWN, .base = 12}, /* FORMAT_SIMPLE */
        [13] = {.flags = OPCODE_KNOWN, .base = 13, .next.constant = -1}, /* FORMAT_WITH_SPEC */
        [14] = {.flags = OPCODE_KNOWN, .base = 14}, /* GET_AITER */
        [15] = {.flags = OPCODE_KNOWN, .base = 15, .next.constant = 1}, /* GET_ANEXT */
        [16] = {.flags = OPCODE_KNOWN, .base = 16}, /* GET_ITER */
        [18] = {.flags = OPCODE_KNOWN, .base = 18, .next.constant = 1}, /* GET_LEN */
        [19] = {.flags = OPCODE_KNOWN, .base = 19}, /* GET_YIELD_FROM_ITER */
        [20] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 20, .next.constant = -1}, /* INTERPRETER_EXIT */
        [21] = {.flags = OPCODE_KNOWN, .base = 21, .next.constant = 1}, /* LOAD_BUILD_CLASS */
        [22] = {.flags = OPCODE_KNOWN, .base = 22, .next.constant = 1}, /* LOAD_LOCALS */
        [23] = {.flags = OPCODE_KNOWN, .base = 23}, /* MAKE_FUNCTION */
        [24] = {.flags = OPCODE_KNOWN, .base = 24, .next.constant = 1}, /* MATCH_KEYS */
        [25] = {.flags = OPCODE_KNOWN, .base = 25, .next.constant = 1}, /* MATCH_MAPPING */
        [26] = {.flags = OPCODE_KNOWN, .base = 26, .next.constant = 1}, /* MATCH_SEQUENCE */
        [27] = {.flags = OPCODE_KNOWN, .base = 27}, /* NOP */
        [28] = {.flags = OPCODE_KNOWN, .base = 28}, /* NOT_TAKEN */
        [29] = {.flags = OPCODE_KNOWN, .base = 29, .next.constant = -1}, /* POP_EXCEPT */
        [30] = {.flags = OPCODE_KNOWN, .base = 30, .next.constant = -1}, /* POP_ITER */
        [31] = {.flags = OPCODE_KNOWN, .base = 31, .next.constant = -1}, /* POP_TOP */
        [32] = {.flags = OPCODE_KNOWN, .base = 32, .next.constant = 1}, /* PUSH_EXC_INFO */
        [33] = {.flags = OPCODE_KNOWN, .base = 33, .next.constant = 1}, /* PUSH_NULL */
        [34] = {.flags = OPCODE_KNOWN, .base = 34, .next.constant = 1}, /* RETURN_GENERATOR */
        [35] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 35}, /* RETURN_VALUE */
        [36] = {.flags = OPCODE_KNOWN, .base = 36}, /* SETUP_ANNOTATIONS */
        [37] = {.flags = OPCODE_KNOWN, .base = 37, .next.constant = -4}, /* STORE_SLICE */
        [38] = {.flags = OPCODE_KNOWN, .base = 38, .caches = 1, .next.constant = -3}, /* STORE_SUBSCR */
        [39] = {.flags = OPCODE_KNOWN, .base = 39, .caches = 3}, /* TO_BOOL */
        [40] = {.flags = OPCODE_KNOWN, .base = 40}, /* UNARY_INVERT */
        [41] = {.flags = OPCODE_KNOWN, .base = 41}, /* UNARY_NEGATIVE */
        [42] = {.flags = OPCODE_KNOWN, .base = 42}, /* UNARY_NOT */
        [43] = {.flags = OPCODE_KNOWN, .base = 43, .next.constant = 1}, /* WITH_EXCEPT_START */
        [44] = {.flags = OPCODE_KNOWN, .base = 44, .caches = 5, .next.constant = -1}, /* BINARY_OP */
        [45] = {.flags = OPCODE_KNOWN, .base = 45, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_LOWEST_BIT}, /* BUILD_INTERPOLATION */
        [46] = {.flags = OPCODE_KNOWN, .base = 46, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_LIST */
        [47] = {.flags = OPCODE_KNOWN, .base = 47, .next.constant = 1, .next.factor = -2, .next.of = EFFECT_ARGUMENT}, /* BUILD_MAP */
        [48] = {.flags = OPCODE_KNOWN, .base = 48, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_SET */
        [49] = {.flags = OPCODE_KNOWN, .base = 49, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_SLICE */
        [50] = {.flags = OPCODE_KNOWN, .base = 50, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_STRING */
        [51] = {.flags = OPCODE_KNOWN, .base = 51, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_TUPLE */
        [52] = {.flags = OPCODE_KNOWN, .base = 52, .caches = 3, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL */
        [53] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_INTRINSIC_1 */
        [54] = {.flags = OPCODE_KNOWN, .base = 54, .next.constant = -1}, /* CALL_INTRINSIC_2 */
        [55] = {.flags = OPCODE_KNOWN, .base = 55, .caches = 3, .next.constant = -2, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL_KW */
        [56] = {.flags = OPCODE_KNOWN, .base = 56, .caches = 1, .next.constant = -1}, /* COMPARE_OP */
        [57] = {.flags = OPCODE_KNOWN, .base = 57, .caches = 1, .next.constant = -1}, /* CONTAINS_OP */
        [58] = {.flags = OPCODE_KNOWN, .base = 58}, /* CONVERT_VALUE */
        [59] = {.flags = OPCODE_KNOWN, .base = 59, .next.constant = 1}, /* COPY */
        [60] = {.flags = OPCODE_KNOWN, .base = 60}, /* COPY_FREE_VARS */
        [61] = {.flags = OPCODE_KNOWN, .base = 61, .next.constant = -1}, /* DELETE_ATTR */
        [62] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 62}, /* DELETE_DEREF */
        [63] = {.flags = OPCODE_KNOWN, .base = 63, .locals = {LOCAL_WRITE}}, /* DELETE_FAST */
        [64] = {.flags = OPCODE_KNOWN, .base = 64}, /* DELETE_GLOBAL */
        [65] = {.flags = OPCODE_KNOWN, .base = 65}, /* DELETE_NAME */
        [66] = {.flags = OPCODE_KNOWN, .base = 66, .next.constant = -1}, /* DICT_MERGE */
        [67] = {.flags = OPCODE_KNOWN, .base = 67, .next.constant = -1}, /* DICT_UPDATE */
        [68] = {.flags = OPCODE_KNOWN, .base = 68, .next.constant = -2}, /* END_ASYNC_FOR */
        [69] = {.flags = OPCODE_KNOWN | OPCODE_PREFIX, .base = 69}, /* EXTENDED_ARG */
        [70] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 70, .caches = 1, .next.constant = 1, .jump.constant = 1}, /* FOR_ITER */
        [71] = {.flags = OPCODE_KNOWN, .base = 71}, /* GET_AWAITABLE */
        [72] = {.flags = OPCODE_KNOWN, .base = 72, .next.constant = 1}, /* IMPORT_FROM */
        [73] = {.flags = OPCODE_KNOWN, .base = 73, .next.constant = -1}, /* IMPORT_NAME */
        [74] = {.flags = OPCODE_KNOWN, .base = 74, .next.constant = -1}, /* IS_OP */
        [75] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_BACKWARD, .base = 75, .caches = 1}, /* JUMP_BACKWARD */
        [76] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_BACKWARD, .base = 76}, /* JUMP_BACKWARD_NO_INTERRUPT */
        [77] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_FORWARD, .base = 77}, /* JUMP_FORWARD */
        [78] = {.flags = OPCODE_KNOWN, .base = 78, .next.constant = -1}, /* LIST_APPEND */
        [79] = {.flags = OPCODE_KNOWN, .base = 79, .next.constant = -1}, /* LIST_EXTEND */
        [80] = {.flags = OPCODE_KNOWN, .base = 80, .caches = 9, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_ATTR */
        [81] = {.flags = OPCODE_KNOWN, .base = 81, .next.constant = 1}, /* LOAD_COMMON_CONSTANT */
        [82] = {.flags = OPCODE_KNOWN, .base = 82, .next.constant = 1}, /* LOAD_CONST */
        [83] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 83, .next.constant = 1}, /* LOAD_DEREF */
        [84] = {.flags = OPCODE_KNOWN, .base = 84, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST */
        [85] = {.flags = OPCODE_KNOWN, .base = 85, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST_AND_CLEAR */
        [86] = {.flags = OPCODE_KNOWN, .base = 86, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST_BORROW */
        [87] = {.flags = OPCODE_KNOWN, .base = 87, .locals = {LOCAL_READ, LOCAL_READ}, .next.constant = 2}, /* LOAD_FAST_BORROW_LOAD_FAST_BORROW */
        [88] = {.flags = OPCODE_KNOWN, .base = 88, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST_CHECK */
        [89] = {.flags = OPCODE_KNOWN, .base = 89, .locals = {LOCAL_READ, LOCAL_READ}, .next.constant = 2}, /* LOAD_FAST_LOAD_FAST */
        [90] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 90}, /* LOAD_FROM_DICT_OR_DEREF */
        [91] = {.flags = OPCODE_KNOWN, .base = 91}, /* LOAD_FROM_DICT_OR_GLOBALS */
        [92] = {.flags = OPCODE_KNOWN, .base = 92, .caches = 4, .next.constant = 1, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_GLOBAL */
        [93] = {.flags = OPCODE_KNOWN, .base = 93, .next.constant = 1}, /* LOAD_NAME */
        [94] = {.flags = OPCODE_KNOWN, .base = 94, .next.constant = 1}, /* LOAD_SMALL_INT */
        [95] = {.flags = OPCODE_KNOWN, .base = 95, .next.constant = 1}, /* LOAD_SPECIAL */
        [96] = {.flags = OPCODE_KNOWN, .base = 96, .caches = 1, .next.constant = -2, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_SUPER_ATTR */
        [97] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 97}, /* MAKE_CELL */
        [98] = {.flags = OPCODE_KNOWN, .base = 98, .next.constant = -2}, /* MAP_ADD */
        [99] = {.flags = OPCODE_KNOWN, .base = 99, .next.constant = -2}, /* MATCH_CLASS */
        [100] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 100, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_FALSE */
        [101] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 101, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_NONE */
        [102] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 102, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_NOT_NONE */
        [103] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 103, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_TRUE */
        [104] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 104, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* RAISE_VARARGS */
        [105] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 105, .next.constant = -1}, /* RERAISE */
        [106] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 106, .caches = 1}, /* SEND */
        [107] = {.flags = OPCODE_KNOWN, .base = 107, .next.constant = -1}, /* SET_ADD */
        [108] = {.flags = OPCODE_KNOWN, .base = 108, .next.constant = -1}, /* SET_FUNCTION_ATTRIBUTE */
        [109] = {.flags = OPCODE_KNOWN, .base = 109, .next.constant = -1}, /* SET_UPDATE */
        [110] = {.flags = OPCODE_KNOWN, .base = 110, .caches = 4, .next.constant = -2}, /* STORE_ATTR */
        [111] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 111, .next.constant = -1}, /* STORE_DEREF */
        [112] = {.flags = OPCODE_KNOWN, .base = 112, .locals = {LOCAL_WRITE}, .next.constant = -1}, /* STORE_FAST */
        [113] = {.flags = OPCODE_KNOWN, .base = 113, .locals = {LOCAL_WRITE, LOCAL_READ}}, /* STORE_FAST_LOAD_FAST */
        [114] = {.flags = OPCODE_KNOWN, .base = 114, .locals = {LOCAL_WRITE, LOCAL_WRITE}, .next.constant = -2}, /* STORE_FAST_STORE_FAST */
        [115] = {.flags = OPCODE_KNOWN, .base = 115, .next.constant = -1}, /* STORE_GLOBAL */
        [116] = {.flags = OPCODE_KNOWN, .base = 116, .next.constant = -1}, /* STORE_NAME */
        [117] = {.flags = OPCODE_KNOWN, .base = 117}, /* SWAP */
        [118] = {.flags = OPCODE_KNOWN, .base = 118, .next.factor = 1, .next.of = EFFECT_TWO_BYTES}, /* UNPACK_EX */
        [119] = {.flags = OPCODE_KNOWN, .base = 119, .caches = 1, .next.constant = -1, .next.factor = 1, .next.of = EFFECT_ARGUMENT}, /* UNPACK_SEQUENCE */
        [120] = {.flags = OPCODE_KNOWN, .base = 120}, /* YIELD_VALUE */
        [128] = {.flags = OPCODE_KNOWN, .base = 128}, /* RESUME */
        [129] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_ADD_FLOAT */
        [130] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_ADD_INT */
        [131] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_ADD_UNICODE */
        [132] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_EXTEND */
        [133] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_MULTIPLY_FLOAT */
        [134] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_MULTIPLY_INT */
        [135] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBSCR_DICT */
        [136] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBSCR_GETITEM */
        [137] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBSCR_LIST_INT */
        [138] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBSCR_LIST_SLICE */
        [139] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBSCR_STR_INT */
        [140] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBSCR_TUPLE_INT */
        [141] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBTRACT_FLOAT */
        [142] = {.flags = OPCODE_KNOWN, .base = 44}, /* BINARY_OP_SUBTRACT_INT */
        [143] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_ALLOC_AND_ENTER_INIT */
        [144] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_BOUND_METHOD_EXACT_ARGS */
        [145] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_BOUND_METHOD_GENERAL */
        [146] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_BUILTIN_CLASS */
        [147] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_BUILTIN_FAST */
        [148] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_BUILTIN_FAST_WITH_KEYWORDS */
        [149] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_BUILTIN_O */
        [150] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_ISINSTANCE */
        [151] = {.flags = OPCODE_KNOWN, .base = 55}, /* CALL_KW_BOUND_METHOD */
        [152] = {.flags = OPCODE_KNOWN, .base = 55}, /* CALL_KW_NON_PY */
        [153] = {.flags = OPCODE_KNOWN, .base = 55}, /* CALL_KW_PY */
        [154] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_LEN */
        [155] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_LIST_APPEND */
        [156] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_METHOD_DESCRIPTOR_FAST */
        [157] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_METHOD_DESCRIPTOR_FAST_WITH_KEYWORDS */
        [158] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_METHOD_DESCRIPTOR_NOARGS */
        [159] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_METHOD_DESCRIPTOR_O */
        [160] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_NON_PY_GENERAL */
        [161] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_PY_EXACT_ARGS */
        [162] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_PY_GENERAL */
        [163] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_STR_1 */
        [164] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_TUPLE_1 */
        [165] = {.flags = OPCODE_KNOWN, .base = 52}, /* CALL_TYPE_1 */
        [166] = {.flags = OPCODE_KNOWN, .base = 56}, /* COMPARE_OP_FLOAT */
        [167] = {.flags = OPCODE_KNOWN, .base = 56}, /* COMPARE_OP_INT */
        [168] = {.flags = OPCODE_KNOWN, .base = 56}, /* COMPARE_OP_STR */
        [169] = {.flags = OPCODE_KNOWN, .base = 57}, /* CONTAINS_OP_DICT */
        [170] = {.flags = OPCODE_KNOWN, .base = 57}, /* CONTAINS_OP_SET */
        [171] = {.flags = OPCODE_KNOWN, .base = 70}, /* FOR_ITER_GEN */
        [172] = {.flags = OPCODE_KNOWN, .base = 70}, /* FOR_ITER_LIST */
        [173] = {.flags = OPCODE_KNOWN, .base = 70}, /* FOR_ITER_RANGE */
        [174] = {.flags = OPCODE_KNOWN, .base = 70}, /* FOR_ITER_TUPLE */
        [175] = {.flags = OPCODE_KNOWN, .base = 75}, /* JUMP_BACKWARD_JIT */
        [176] = {.flags = OPCODE_KNOWN, .base = 75}, /* JUMP_BACKWARD_NO_JIT */
        [177] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_CLASS */
        [178] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_CLASS_WITH_METACLASS_CHECK */
        [179] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_GETATTRIBUTE_OVERRIDDEN */
        [180] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_INSTANCE_VALUE */
        [181] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_METHOD_LAZY_DICT */
        [182] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_METHOD_NO_DICT */
        [183] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_METHOD_WITH_VALUES */
        [184] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_MODULE */
        [185] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_NONDESCRIPTOR_NO_DICT */
        [186] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_NONDESCRIPTOR_WITH_VALUES */
        [187] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_PROPERTY */
        [188] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_SLOT */
        [189] = {.flags = OPCODE_KNOWN, .base = 80}, /* LOAD_ATTR_WITH_HINT */
        [190] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_CONST_IMMORTAL */
        [191] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_CONST_MORTAL */
        [192] = {.flags = OPCODE_KNOWN, .base = 92}, /* LOAD_GLOBAL_BUILTIN */
        [193] = {.flags = OPCODE_KNOWN, .base = 92}, /* LOAD_GLOBAL_MODULE */
        [194] = {.flags = OPCODE_KNOWN, .base = 96}, /* LOAD_SUPER_ATTR_ATTR */
        [195] = {.flags = OPCODE_KNOWN, .base = 96}, /* LOAD_SUPER_ATTR_METHOD */
        [196] = {.flags = OPCODE_KNOWN, .base = 128}, /* RESUME_CHECK */
        [197] = {.flags = OPCODE_KNOWN, .base = 106}, /* SEND_GEN */
        [198] = {.flags = OPCODE_KNOWN, .base = 110}, /* STORE_ATTR_INSTANCE_VALUE */
        [199] = {.flags = OPCODE_KNOWN, .base = 110}, /* STORE_ATTR_SLOT */
        [200] = {.flags = OPCODE_KNOWN, .base = 110}, /* STORE_ATTR_WITH_HINT */
        [201] = {.flags = OPCODE_KNOWN, .base = 38}, /* STORE_SUBSCR_DICT */
        [202] = {.flags = OPCODE_KNOWN, .base = 38}, /* STORE_SUBSCR_LIST_INT */
        [203] = {.flags = OPCODE_KNOWN, .base = 39}, /* TO_BOOL_ALWAYS_TRUE */
        [204] = {.flags = OPCODE_KNOWN, .base = 39}, /* TO_BOOL_BOOL */
        [205] = {.flags = OPCODE_KNOWN, .base = 39}, /* TO_BOOL_INT */
        [206] = {.flags = OPCODE_KNOWN, .base = 39}, /* TO_BOOL_LIST */
        [207] = {.flags = OPCODE_KNOWN, .base = 39}, /* TO_BOOL_NONE */
        [208] = {.flags = OPCODE_KNOWN, .base = 39}, /* TO_BOOL_STR */
        [209] = {.flags = OPCODE_KNOWN, .base = 119}, /* UNPACK_SEQUENCE_LIST */
        [210] = {.flags = OPCODE_KNOWN, .base = 119}, /* UNPACK_SEQUENCE_TUPLE */
        [211] = {.flags = OPCODE_KNOWN, .base = 119}, /* UNPACK_SEQUENCE_TWO_TUPLE */
    },
};

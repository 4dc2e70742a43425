/* CPython 3.13: written by scripts/gen-opcodes, which asked an interpreter. */
/* clang-format off */
static const struct opcode_table opcodes_3_13 = {
    .minor = 13,
    .jump_bytes = 2,
    .exception_table = true,
    .shared_handlers = false,
    .opcodes = {
        [1] = {.flags = OPCODE_KNOWN, .base = 1, .next.constant = 1}, /* BEFORE_ASYNC_WITH */
        [2] = {.flags = OPCODE_KNOWN, .base = 2, .next.constant = 1}, /* BEFORE_WITH */
        [3] = {.flags = OPCODE_KNOWN | OPCODE_WITH_NEXT, .base = 45}, /* BINARY_OP_INPLACE_ADD_UNICODE */
        [4] = {.flags = OPCODE_KNOWN, .base = 4, .next.constant = -2}, /* BINARY_SLICE */
        [5] = {.flags = OPCODE_KNOWN, .base = 5, .caches = 1, .next.constant = -1}, /* BINARY_SUBSCR */
        [6] = {.flags = OPCODE_KNOWN, .base = 6}, /* CHECK_EG_MATCH */
        [7] = {.flags = OPCODE_KNOWN, .base = 7}, /* CHECK_EXC_MATCH */
        [8] = {.flags = OPCODE_KNOWN, .base = 8, .next.constant = -1}, /* CLEANUP_THROW */
        [9] = {.flags = OPCODE_KNOWN, .base = 9, .next.constant = -2}, /* DELETE_SUBSCR */
        [10] = {.flags = OPCODE_KNOWN, .base = 10, .next.constant = -2}, /* END_ASYNC_FOR */
        [11] = {.flags = OPCODE_KNOWN, .base = 11, .next.constant = -1}, /* END_FOR */
        [12] = {.flags = OPCODE_KNOWN, .base = 12, .next.constant = -1}, /* END_SEND */
        [13] = {.flags = OPCODE_KNOWN, .base = 13, .next.constant = -1}, /* EXIT_INIT_CHECK */
        [14] = {.flags = OPCODE_KNOWN, .base = 14}, /* FORMAT_SIMPLE */
        [15] = {.flags = OPCODE_KNOWN, .base = 15, .next.constant = -1}, /* FORMAT_WITH_SPEC */
        [16] = {.flags = OPCODE_KNOWN, .base = 16}, /* GET_AITER */
        [18] = {.flags = OPCODE_KNOWN, .base = 18, .next.constant = 1}, /* GET_ANEXT */
        [19] = {.flags = OPCODE_KNOWN, .base = 19}, /* GET_ITER */
        [20] = {.flags = OPCODE_KNOWN, .base = 20, .next.constant = 1}, /* GET_LEN */
        [21] = {.flags = OPCODE_KNOWN, .base = 21}, /* GET_YIELD_FROM_ITER */
        [22] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 22, .next.constant = -1}, /* INTERPRETER_EXIT */
        [23] = {.flags = OPCODE_KNOWN, .base = 23, .next.constant = 1}, /* LOAD_ASSERTION_ERROR */
        [24] = {.flags = OPCODE_KNOWN, .base = 24, .next.constant = 1}, /* LOAD_BUILD_CLASS */
        [25] = {.flags = OPCODE_KNOWN, .base = 25, .next.constant = 1}, /* LOAD_LOCALS */
        [26] = {.flags = OPCODE_KNOWN, .base = 26}, /* MAKE_FUNCTION */
        [27] = {.flags = OPCODE_KNOWN, .base = 27, .next.constant = 1}, /* MATCH_KEYS */
        [28] = {.flags = OPCODE_KNOWN, .base = 28, .next.constant = 1}, /* MATCH_MAPPING */
        [29] = {.flags = OPCODE_KNOWN, .base = 29, .next.constant = 1}, /* MATCH_SEQUENCE */
        [30] = {.flags = OPCODE_KNOWN, .base = 30}, /* NOP */
        [31] = {.flags = OPCODE_KNOWN, .base = 31, .next.constant = -1}, /* POP_EXCEPT */
        [32] = {.flags = OPCODE_KNOWN, .base = 32, .next.constant = -1}, /* POP_TOP */
        [33] = {.flags = OPCODE_KNOWN, .base = 33, .next.constant = 1}, /* PUSH_EXC_INFO */
        [34] = {.flags = OPCODE_KNOWN, .base = 34, .next.constant = 1}, /* PUSH_NULL */
        [35] = {.flags = OPCODE_KNOWN, .base = 35, .next.constant = 1}, /* RETURN_GENERATOR */
        [36] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 36, .next.constant = -1}, /* RETURN_VALUE */
        [37] = {.flags = OPCODE_KNOWN, .base = 37}, /* SETUP_ANNOTATIONS */
        [38] = {.flags = OPCODE_KNOWN, .base = 38, .next.constant = -4}, /* STORE_SLICE */
        [39] = {.flags = OPCODE_KNOWN, .base = 39, .caches = 1, .next.constant = -3}, /* STORE_SUBSCR */
        [40] = {.flags = OPCODE_KNOWN, .base = 40, .caches = 3}, /* TO_BOOL */
        [41] = {.flags = OPCODE_KNOWN, .base = 41}, /* UNARY_INVERT */
        [42] = {.flags = OPCODE_KNOWN, .base = 42}, /* UNARY_NEGATIVE */
        [43] = {.flags = OPCODE_KNOWN, .base = 43}, /* UNARY_NOT */
        [44] = {.flags = OPCODE_KNOWN, .base = 44, .next.constant = 1}, /* WITH_EXCEPT_START */
        [45] = {.flags = OPCODE_KNOWN, .base = 45, .caches = 1, .next.constant = -1}, /* BINARY_OP */
        [46] = {.flags = OPCODE_KNOWN, .base = 46, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_CONST_KEY_MAP */
        [47] = {.flags = OPCODE_KNOWN, .base = 47, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_LIST */
        [48] = {.flags = OPCODE_KNOWN, .base = 48, .next.constant = 1, .next.factor = -2, .next.of = EFFECT_ARGUMENT}, /* BUILD_MAP */
        [49] = {.flags = OPCODE_KNOWN, .base = 49, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_SET */
        [50] = {.flags = OPCODE_KNOWN, .base = 50, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_IS_THREE}, /* BUILD_SLICE */
        [51] = {.flags = OPCODE_KNOWN, .base = 51, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_STRING */
        [52] = {.flags = OPCODE_KNOWN, .base = 52, .next.constant = 1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* BUILD_TUPLE */
        [53] = {.flags = OPCODE_KNOWN, .base = 53, .caches = 3, .next.constant = -1, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL */
        [54] = {.flags = OPCODE_KNOWN, .base = 54, .next.constant = -2, .next.factor = -1, .next.of = EFFECT_LOWEST_BIT}, /* CALL_FUNCTION_EX */
        [55] = {.flags = OPCODE_KNOWN, .base = 55}, /* CALL_INTRINSIC_1 */
        [56] = {.flags = OPCODE_KNOWN, .base = 56, .next.constant = -1}, /* CALL_INTRINSIC_2 */
        [57] = {.flags = OPCODE_KNOWN, .base = 57, .next.constant = -2, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* CALL_KW */
        [58] = {.flags = OPCODE_KNOWN, .base = 58, .caches = 1, .next.constant = -1}, /* COMPARE_OP */
        [59] = {.flags = OPCODE_KNOWN, .base = 59, .caches = 1, .next.constant = -1}, /* CONTAINS_OP */
        [60] = {.flags = OPCODE_KNOWN, .base = 60}, /* CONVERT_VALUE */
        [61] = {.flags = OPCODE_KNOWN, .base = 61, .next.constant = 1}, /* COPY */
        [62] = {.flags = OPCODE_KNOWN, .base = 62}, /* COPY_FREE_VARS */
        [63] = {.flags = OPCODE_KNOWN, .base = 63, .next.constant = -1}, /* DELETE_ATTR */
        [64] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 64}, /* DELETE_DEREF */
        [65] = {.flags = OPCODE_KNOWN, .base = 65, .locals = {LOCAL_WRITE}}, /* DELETE_FAST */
        [66] = {.flags = OPCODE_KNOWN, .base = 66}, /* DELETE_GLOBAL */
        [67] = {.flags = OPCODE_KNOWN, .base = 67}, /* DELETE_NAME */
        [68] = {.flags = OPCODE_KNOWN, .base = 68, .next.constant = -1}, /* DICT_MERGE */
        [69] = {.flags = OPCODE_KNOWN, .base = 69, .next.constant = -1}, /* DICT_UPDATE */
        [71] = {.flags = OPCODE_KNOWN | OPCODE_PREFIX, .base = 71}, /* EXTENDED_ARG */
        [72] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 72, .caches = 1, .next.constant = 1, .jump.constant = 1}, /* FOR_ITER */
        [73] = {.flags = OPCODE_KNOWN, .base = 73}, /* GET_AWAITABLE */
        [74] = {.flags = OPCODE_KNOWN, .base = 74, .next.constant = 1}, /* IMPORT_FROM */
        [75] = {.flags = OPCODE_KNOWN, .base = 75, .next.constant = -1}, /* IMPORT_NAME */
        [76] = {.flags = OPCODE_KNOWN, .base = 76, .next.constant = -1}, /* IS_OP */
        [77] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_BACKWARD, .base = 77, .caches = 1}, /* JUMP_BACKWARD */
        [78] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_BACKWARD, .base = 78}, /* JUMP_BACKWARD_NO_INTERRUPT */
        [79] = {.flags = OPCODE_KNOWN | OPCODE_ENDS | OPCODE_FORWARD, .base = 79}, /* JUMP_FORWARD */
        [80] = {.flags = OPCODE_KNOWN, .base = 80, .next.constant = -1}, /* LIST_APPEND */
        [81] = {.flags = OPCODE_KNOWN, .base = 81, .next.constant = -1}, /* LIST_EXTEND */
        [82] = {.flags = OPCODE_KNOWN, .base = 82, .caches = 9, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_ATTR */
        [83] = {.flags = OPCODE_KNOWN, .base = 83, .next.constant = 1}, /* LOAD_CONST */
        [84] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 84, .next.constant = 1}, /* LOAD_DEREF */
        [85] = {.flags = OPCODE_KNOWN, .base = 85, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST */
        [86] = {.flags = OPCODE_KNOWN, .base = 86, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST_AND_CLEAR */
        [87] = {.flags = OPCODE_KNOWN, .base = 87, .locals = {LOCAL_READ}, .next.constant = 1}, /* LOAD_FAST_CHECK */
        [88] = {.flags = OPCODE_KNOWN, .base = 88, .locals = {LOCAL_READ, LOCAL_READ}, .next.constant = 2}, /* LOAD_FAST_LOAD_FAST */
        [89] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 89}, /* LOAD_FROM_DICT_OR_DEREF */
        [90] = {.flags = OPCODE_KNOWN, .base = 90}, /* LOAD_FROM_DICT_OR_GLOBALS */
        [91] = {.flags = OPCODE_KNOWN, .base = 91, .caches = 4, .next.constant = 1, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_GLOBAL */
        [92] = {.flags = OPCODE_KNOWN, .base = 92, .next.constant = 1}, /* LOAD_NAME */
        [93] = {.flags = OPCODE_KNOWN, .base = 93, .caches = 1, .next.constant = -2, .next.factor = 1, .next.of = EFFECT_LOWEST_BIT}, /* LOAD_SUPER_ATTR */
        [94] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 94}, /* MAKE_CELL */
        [95] = {.flags = OPCODE_KNOWN, .base = 95, .next.constant = -2}, /* MAP_ADD */
        [96] = {.flags = OPCODE_KNOWN, .base = 96, .next.constant = -2}, /* MATCH_CLASS */
        [97] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 97, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_FALSE */
        [98] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 98, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_NONE */
        [99] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 99, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_NOT_NONE */
        [100] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 100, .caches = 1, .next.constant = -1, .jump.constant = -1}, /* POP_JUMP_IF_TRUE */
        [101] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 101, .next.factor = -1, .next.of = EFFECT_ARGUMENT}, /* RAISE_VARARGS */
        [102] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 102, .next.constant = -1}, /* RERAISE */
        [103] = {.flags = OPCODE_KNOWN | OPCODE_ENDS, .base = 103}, /* RETURN_CONST */
        [104] = {.flags = OPCODE_KNOWN | OPCODE_FORWARD, .base = 104, .caches = 1}, /* SEND */
        [105] = {.flags = OPCODE_KNOWN, .base = 105, .next.constant = -1}, /* SET_ADD */
        [106] = {.flags = OPCODE_KNOWN, .base = 106, .next.constant = -1}, /* SET_FUNCTION_ATTRIBUTE */
        [107] = {.flags = OPCODE_KNOWN, .base = 107, .next.constant = -1}, /* SET_UPDATE */
        [108] = {.flags = OPCODE_KNOWN, .base = 108, .caches = 4, .next.constant = -2}, /* STORE_ATTR */
        [109] = {.flags = OPCODE_KNOWN | OPCODE_CELL, .base = 109, .next.constant = -1}, /* STORE_DEREF */
        [110] = {.flags = OPCODE_KNOWN, .base = 110, .locals = {LOCAL_WRITE}, .next.constant = -1}, /* STORE_FAST */
        [111] = {.flags = OPCODE_KNOWN, .base = 111, .locals = {LOCAL_WRITE, LOCAL_READ}}, /* STORE_FAST_LOAD_FAST */
        [112] = {.flags = OPCODE_KNOWN, .base = 112, .locals = {LOCAL_WRITE, LOCAL_WRITE}, .next.constant = -2}, /* STORE_FAST_STORE_FAST */
        [113] = {.flags = OPCODE_KNOWN, .base = 113, .next.constant = -1}, /* STORE_GLOBAL */
        [114] = {.flags = OPCODE_KNOWN, .base = 114, .next.constant = -1}, /* STORE_NAME */
        [115] = {.flags = OPCODE_KNOWN, .base = 115}, /* SWAP */
        [116] = {.flags = OPCODE_KNOWN, .base = 116, .next.factor = 1, .next.of = EFFECT_TWO_BYTES}, /* UNPACK_EX */
        [117] = {.flags = OPCODE_KNOWN, .base = 117, .caches = 1, .next.constant = -1, .next.factor = 1, .next.of = EFFECT_ARGUMENT}, /* UNPACK_SEQUENCE */
        [118] = {.flags = OPCODE_KNOWN, .base = 118}, /* YIELD_VALUE */
        [149] = {.flags = OPCODE_KNOWN, .base = 149}, /* RESUME */
        [150] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_ADD_FLOAT */
        [151] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_ADD_INT */
        [152] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_ADD_UNICODE */
        [153] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_MULTIPLY_FLOAT */
        [154] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_MULTIPLY_INT */
        [155] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_SUBTRACT_FLOAT */
        [156] = {.flags = OPCODE_KNOWN, .base = 45}, /* BINARY_OP_SUBTRACT_INT */
        [157] = {.flags = OPCODE_KNOWN, .base = 5}, /* BINARY_SUBSCR_DICT */
        [158] = {.flags = OPCODE_KNOWN, .base = 5}, /* BINARY_SUBSCR_GETITEM */
        [159] = {.flags = OPCODE_KNOWN, .base = 5}, /* BINARY_SUBSCR_LIST_INT */
        [160] = {.flags = OPCODE_KNOWN, .base = 5}, /* BINARY_SUBSCR_STR_INT */
        [161] = {.flags = OPCODE_KNOWN, .base = 5}, /* BINARY_SUBSCR_TUPLE_INT */
        [162] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_ALLOC_AND_ENTER_INIT */
        [163] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_BOUND_METHOD_EXACT_ARGS */
        [164] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_BOUND_METHOD_GENERAL */
        [165] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_BUILTIN_CLASS */
        [166] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_BUILTIN_FAST */
        [167] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_BUILTIN_FAST_WITH_KEYWORDS */
        [168] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_BUILTIN_O */
        [169] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_ISINSTANCE */
        [170] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_LEN */
        [171] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_LIST_APPEND */
        [172] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_METHOD_DESCRIPTOR_FAST */
        [173] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_METHOD_DESCRIPTOR_FAST_WITH_KEYWORDS */
        [174] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_METHOD_DESCRIPTOR_NOARGS */
        [175] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_METHOD_DESCRIPTOR_O */
        [176] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_NON_PY_GENERAL */
        [177] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_PY_EXACT_ARGS */
        [178] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_PY_GENERAL */
        [179] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_STR_1 */
        [180] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_TUPLE_1 */
        [181] = {.flags = OPCODE_KNOWN, .base = 53}, /* CALL_TYPE_1 */
        [182] = {.flags = OPCODE_KNOWN, .base = 58}, /* COMPARE_OP_FLOAT */
        [183] = {.flags = OPCODE_KNOWN, .base = 58}, /* COMPARE_OP_INT */
        [184] = {.flags = OPCODE_KNOWN, .base = 58}, /* COMPARE_OP_STR */
        [185] = {.flags = OPCODE_KNOWN, .base = 59}, /* CONTAINS_OP_DICT */
        [186] = {.flags = OPCODE_KNOWN, .base = 59}, /* CONTAINS_OP_SET */
        [187] = {.flags = OPCODE_KNOWN, .base = 72}, /* FOR_ITER_GEN */
        [188] = {.flags = OPCODE_KNOWN, .base = 72}, /* FOR_ITER_LIST */
        [189] = {.flags = OPCODE_KNOWN, .base = 72}, /* FOR_ITER_RANGE */
        [190] = {.flags = OPCODE_KNOWN, .base = 72}, /* FOR_ITER_TUPLE */
        [191] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_CLASS */
        [192] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_GETATTRIBUTE_OVERRIDDEN */
        [193] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_INSTANCE_VALUE */
        [194] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_METHOD_LAZY_DICT */
        [195] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_METHOD_NO_DICT */
        [196] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_METHOD_WITH_VALUES */
        [197] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_MODULE */
        [198] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_NONDESCRIPTOR_NO_DICT */
        [199] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_NONDESCRIPTOR_WITH_VALUES */
        [200] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_PROPERTY */
        [201] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_SLOT */
        [202] = {.flags = OPCODE_KNOWN, .base = 82}, /* LOAD_ATTR_WITH_HINT */
        [203] = {.flags = OPCODE_KNOWN, .base = 91}, /* LOAD_GLOBAL_BUILTIN */
        [204] = {.flags = OPCODE_KNOWN, .base = 91}, /* LOAD_GLOBAL_MODULE */
        [205] = {.flags = OPCODE_KNOWN, .base = 93}, /* LOAD_SUPER_ATTR_ATTR */
        [206] = {.flags = OPCODE_KNOWN, .base = 93}, /* LOAD_SUPER_ATTR_METHOD */
        [207] = {.flags = OPCODE_KNOWN, .base = 149}, /* RESUME_CHECK */
        [208] = {.flags = OPCODE_KNOWN, .base = 104}, /* SEND_GEN */
        [209] = {.flags = OPCODE_KNOWN, .base = 108}, /* STORE_ATTR_INSTANCE_VALUE */
        [210] = {.flags = OPCODE_KNOWN, .base = 108}, /* STORE_ATTR_SLOT */
        [211] = {.flags = OPCODE_KNOWN, .base = 108}, /* STORE_ATTR_WITH_HINT */
        [212] = {.flags = OPCODE_KNOWN, .base = 39}, /* STORE_SUBSCR_DICT */
        [213] = {.flags = OPCODE_KNOWN, .base = 39}, /* STORE_SUBSCR_LIST_INT */
        [214] = {.flags = OPCODE_KNOWN, .base = 40}, /* TO_BOOL_ALWAYS_TRUE */
        [215] = {.flags = OPCODE_KNOWN, .base = 40}, /* TO_BOOL_BOOL */
        [216] = {.flags = OPCODE_KNOWN, .base = 40}, /* TO_BOOL_INT */
        [217] = {.flags = OPCODE_KNOWN, .base = 40}, /* TO_BOOL_LIST */
        [218] = {.flags = OPCODE_KNOWN, .base = 40}, /* TO_BOOL_NONE */
        [219] = {.flags = OPCODE_KNOWN, .base = 40}, /* TO_BOOL_STR */
        [220] = {.flags = OPCODE_KNOWN, .base = 117}, /* UNPACK_SEQUENCE_LIST */
        [221] = {.flags = OPCODE_KNOWN, .base = 117}, /* UNPACK_SEQUENCE_TUPLE */
        [222] = {.flags = OPCODE_KNOWN, .base = 117}, /* UNPACK_SEQUENCE_TWO_TUPLE */
    },
};

/* Where each version of CPython keeps what the library reads.
 *
 * One table per minor version, generated from that version's own headers by scripts/gen-offsets:
 * the offsets used here are the same in every patch release of a minor version. From 3.13 the
 * interpreter carries offsets of its own (_Py_DebugOffsets), which override the table's.
 */
#ifndef HOLDFAST_PRELOAD_OFFSETS_H
#define HOLDFAST_PRELOAD_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

/* Offsets in bytes, unless stated. What a version does not have is 0. */
struct python_offsets {
    uint32_t minor;         /* the X of 3.X */
    uint32_t free_threaded; /* 0 or 1 */

    /* PyObject, PyVarObject, PyTypeObject */
    uint32_t type, size, type_flags;

    /* _PyRuntime. runtime_current: the thread state that holds the GIL, to 3.11.
     * runtime_no_more_calls: an int that is set before exit handlers run, in 3.8. */
    uint32_t runtime_main_interpreter, runtime_main_thread, runtime_current, runtime_finalizing;
    uint32_t runtime_no_more_calls;

    /* The cycle collector's state, in the runtime (3.8) or in each interpreter, and in it the int
     * that is set while a collection runs. */
    uint32_t runtime_gc, interpreter_gc, gc_collecting;

    /* PyThreadState; thread_frame holds the current frame, in 3.11 and 3.12 a _PyCFrame that holds
     * it at cframe_frame. */
    uint32_t thread_interpreter, thread_id, thread_frame, cframe_frame;

    /* PyFrameObject to 3.10, _PyInterpreterFrame from 3.11. frame_position: an int to 3.10
     * (f_lasti), then a pointer into the code. frame_is_entry: 3.11, where no shim tells that C
     * called. */
    uint32_t frame_previous, frame_code, frame_position, frame_owner, frame_is_entry;

    /* PyCodeObject. code_bytes: the bytes object with the instructions, to 3.10; code_start: the
     * instructions themselves, from 3.11; code_copies: the array of each thread's own copies. */
    uint32_t code_name, code_file, code_first_line, code_lines;
    uint32_t code_bytes, code_start, code_first_traceable, code_copies;

    /* PyBytesObject */
    uint32_t bytes_data;

    /* PyASCIIObject and its larger relatives. The shifts are bit numbers in the word at text_state.
     * text_ascii_data and text_compact_data: the characters of compact texts; text_data: the
     * pointer to those of others. */
    uint32_t text_length, text_state, text_kind_shift, text_compact_shift, text_ascii_shift;
    uint32_t text_ascii_data, text_compact_data, text_data;

    /* What the heap walker reads besides (preload/walk/). */

    /* _PyRuntime, PyInterpreterState, struct _gc_runtime_state (in the interpreter state, in 3.8 in
     * _PyRuntime), PyThreadState. interpreter_exit_calls: an array of pointers to what atexit is to
     * call, 3.10 to 3.13. */
    uint32_t runtime_interpreters, interpreter_next, interpreter_threads, interpreter_modules,
        interpreter_interned, interpreter_sys, interpreter_builtins, interpreter_size,
        interpreter_exit_calls, interpreter_exit_call_count, gc, gc_generations, gc_generation_size,
        gc_permanent, thread_next, thread_native_id;

    /* PyTypeObject, PyHeapTypeObject */
    uint32_t type_name, type_basic_size, type_item_size, type_traverse, type_members, type_base,
        type_dict, type_dict_offset, type_weak_list_offset, type_is_gc, type_finalize, type_del,
        heap_type_qualified_name, heap_type_keys;

    /* Containers. keys_: PyDictKeysObject, whose size is a number to 3.10 and then a power of 2. */
    uint32_t list_items, list_allocated, tuple_items, dict_used, dict_keys, dict_values, keys_size,
        keys_log2_size, keys_log2_index_bytes, keys_kind, keys_usable, keys_entry_count,
        keys_indices, values_items, set_used, set_mask, set_table, set_small_table,
        bytearray_allocated, bytearray_data, int_tag, int_digits, text_utf8_length, text_utf8,
        text_legacy_size, memoryview_data, function_qualified_name, builtin_definition;

    /* PyCodeObject. code_local_*: from 3.11; code_variables and the next two: before. */
    uint32_t code_flags, code_arguments, code_keyword_arguments, code_stack_size, code_names,
        code_qualified_name, code_exception_table, code_local_names, code_local_kinds,
        code_variables, code_cell_variables, code_free_variables;

    /* Frames, as above. The value stack begins at the pointer at frame_stack to 3.10, and behind
     * the locals from 3.11. How far it is in use: frame_stack_pointer (3.8, 3.9, 3.14), or
     * frame_stack_depth (3.10), or frame_stack_top, which counts the locals too (3.11 to 3.13). */
    uint32_t frame_function, frame_locals_object, frame_object, frame_locals, frame_stack,
        frame_stack_pointer, frame_stack_depth, frame_stack_top, frame_state, frame_generator,
        frame_object_frame, generator_frame, generator_state;
};

/* Structs whose references are told by name. */
enum python_field_of {
    FIELD_OF_FUNCTION,
    FIELD_OF_CELL,
    FIELD_OF_METHOD,
    FIELD_OF_BUILTIN,
    FIELD_OF_MODULE,
    FIELD_OF_TRACEBACK,
    FIELD_OF_EXCEPTION,
    FIELD_OF_MEMORYVIEW,
    FIELD_OF_TYPE,
    FIELD_OF_HEAP_TYPE,
    FIELD_OF_GENERATOR,
    FIELD_OF_COROUTINE,
    FIELD_OF_ASYNC_GENERATOR,
    FIELD_OF_FRAME,
    FIELD_OF_CODE,
    FIELD_OF_THREAD,
    FIELD_OF_INTERPRETER,
    FIELD_OF_COUNT
};

/* A reference in a C struct, and its name in Python. */
struct python_field {
    uint32_t of; /* enum python_field_of */
    uint32_t offset;
    const char *name;
};

/* The field at `field` in struct python_offsets also stands at `debug` in _Py_DebugOffsets. */
struct python_override {
    uint32_t field;
    uint32_t debug;
};

#endif

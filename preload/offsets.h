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

    /* _PyRuntime */
    uint32_t runtime_main_interpreter, runtime_main_thread, runtime_finalizing;

    /* The cycle collector's state, in the runtime (3.8) or in each interpreter, and in it the int
     * that is set while a collection runs. */
    uint32_t runtime_gc, interpreter_gc, gc_collecting;

    /* PyThreadState; thread_frame holds the current frame, in 3.11 and 3.12 a _PyCFrame that holds
     * it at cframe_frame. */
    uint32_t thread_interpreter, thread_id, thread_frame, cframe_frame;

    /* PyFrameObject to 3.10, _PyInterpreterFrame from 3.11. frame_position: an int to 3.10
     * (f_lasti), then a pointer into the code. */
    uint32_t frame_previous, frame_code, frame_position, frame_owner;

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
};

/* The field at `field` in struct python_offsets also stands at `debug` in _Py_DebugOffsets. */
struct python_override {
    uint32_t field;
    uint32_t debug;
};

#endif

/* What interpreters hold under names: the modules, the table of interned strings, the registry of
 * codecs, what is to be called at the end ...
 *
 * Where the fields of an interpreter's state lie can move a little between releases of a minor
 * version, so each is looked at before it is believed. What is missed here, static.c finds without
 * its name.
 */
#include "heap.h"

#define INTERPRETERS_MAX 1024u
#define INTERNED_MOVES_MAX 64u
#define EXIT_CALLS_MAX (1u << 16)

void root_tell(struct walk *walk, enum graph_root kind, uint32_t name, const char *object) {
    uint32_t number = name_object(walk, object);
    graph_put(walk->writer, GRAPH_ROOTS, kind);
    graph_put(walk->writer, GRAPH_ROOTS, name);
    graph_put(walk->writer, GRAPH_ROOTS, number);
}

static void tell(struct walk *walk, enum graph_root kind, const char *name, const char *object) {
    if (object)
        root_tell(walk, kind, text_of_string(walk, name), object);
}

/* Its place moves a little between releases of a minor version. Up to 3.11 it is a variable that
 * nothing leads to: see static.c. */
static const char *find_interned(struct walk *walk, const char *interpreter) {
    for (uint32_t i = 0; python.at.interpreter_interned && i < 2 * INTERNED_MOVES_MAX; i++) {
        int64_t move = i & 1 ? -8 * (int64_t)(i / 2 + 1) : 8 * (int64_t)(i / 2);
        const char *place = interpreter + python.at.interpreter_interned + move;
        if (memory_readable(walk, place, 8) && dict_is_interned(walk, python_pointer(place, 0)))
            return python_pointer(place, 0);
    }
    return NULL;
}

/* -- Fields -- */

static bool is_function(const char *name) {
    return strcmp(name, "import_func") == 0 || strcmp(name, "importlib") == 0;
}

/* All but the import system's own are containers. */
static bool field_fits(struct walk *walk, const char *name, const char *object) {
    const unsigned long containers = TYPE_IS_LIST | TYPE_IS_TUPLE | TYPE_IS_DICT;
    return object_plausible(walk, object) &&
           (is_function(name) || type_flags(type_of(object)) & containers);
}

static void tell_fields(struct walk *walk, const char *interpreter) {
    for (size_t i = 0; i < python.field_count; i++) {
        const struct python_field *field = &python.fields[i];
        if (field->of != FIELD_OF_INTERPRETER)
            continue;
        const char *object = python_pointer(interpreter, field->offset);
        if (field_fits(walk, field->name, object))
            tell(walk, GRAPH_ROOT_INTERPRETER, field->name, object);
    }
}

/* -- What is to be called at the end, 3.10 to 3.13 -- */

/* atexit_callback, atexit_py_callback */
struct exit_call {
    const char *function, *arguments, *keywords;
};

static bool is_exit_call(struct walk *walk, const struct exit_call *call) {
    return memory_readable(walk, call, sizeof *call) && object_plausible(walk, call->function) &&
           object_plausible(walk, call->arguments) &&
           type_flags(type_of(call->arguments)) & TYPE_IS_TUPLE &&
           (!call->keywords || (object_plausible(walk, call->keywords) &&
                                type_flags(type_of(call->keywords)) & TYPE_IS_DICT));
}

static void tell_exit_calls(struct walk *walk, const char *interpreter) {
    if (!python.at.interpreter_exit_calls)
        return;
    const struct exit_call *const *calls =
        (const void *)python_pointer(interpreter, python.at.interpreter_exit_calls);
    int32_t count = int_at(interpreter, python.at.interpreter_exit_call_count);
    if (count <= 0 || count > (int32_t)EXIT_CALLS_MAX ||
        !memory_readable(walk, calls, (size_t)count * sizeof *calls))
        return;
    for (int32_t i = 0; i < count; i++) {
        if (!is_exit_call(walk, calls[i]))
            continue;
        tell(walk, GRAPH_ROOT_INTERPRETER, "atexit_callback", calls[i]->function);
        tell(walk, GRAPH_ROOT_INTERPRETER, "atexit_arguments", calls[i]->arguments);
        tell(walk, GRAPH_ROOT_INTERPRETER, "atexit_keywords", calls[i]->keywords);
    }
}

/* -- Together -- */

void roots_tell(struct walk *walk) {
    const char *interpreter = first_interpreter();
    for (uint32_t i = 0; interpreter && i < INTERPRETERS_MAX; i++) {
        tell(walk, GRAPH_ROOT_MODULES, "sys.modules",
             python_pointer(interpreter, python.at.interpreter_modules));
        tell(walk, GRAPH_ROOT_SYS, "sys", python_pointer(interpreter, python.at.interpreter_sys));
        tell(walk, GRAPH_ROOT_BUILTINS, "builtins",
             python_pointer(interpreter, python.at.interpreter_builtins));
        if (i == 0) {
            walk->interned = find_interned(walk, interpreter);
            tell(walk, GRAPH_ROOT_INTERNED, "interned strings", walk->interned);
        }
        tell_fields(walk, interpreter);
        tell_exit_calls(walk, interpreter);
        interpreter = next_interpreter(interpreter);
    }
}

/* See watch.h. */
#include "watch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "frames.h"
#include "thread.h"

#include "watch_code.h"

#define FILLING 1u
#define FILE_INPUT 257    /* the interpreter's Py_file_input */
#define BUFFER_READ 0x100 /* PyBUF_READ */

struct watch_table watch_table;

static struct {
    _Atomic bool asked; /* for a call of look(), which has not come yet */
    int (*add_pending_call)(int (*call)(void *unused), void *unused);
    void *(*interpreter)(void);
    void *(*dict_of)(void *interpreter);        /* borrowed */
    void *(*get)(void *dict, const char *name); /* borrowed */
    void *(*new_dict)(void);
    void *(*view)(const char *memory, ssize_t size, int flags);
    int (*set)(void *dict, const char *name, void *value);
    void *(*modules)(void);       /* borrowed */
    void *(*names)(void *module); /* borrowed */
    void *(*run)(const char *source, int start, void *globals, void *locals);
    void *(*call)(void *function, const char *format, ...);
    void *(*error)(void);
    void (*clear)(void);
    int (*is_true)(void *object);
    void (*release)(void *object);
} watch;

/* -- Between two instructions of the main thread, with the GIL -- */

/* A dict of the interpreter's that programs do not see. */
static void *find_home(void) {
    void *interpreter = watch.interpreter();
    return interpreter ? watch.dict_of(interpreter) : NULL;
}

/* Those of the `builtins` module: a frame's may be what exec() was given. NULL: the program has
 * taken it out of sys.modules. */
static void *find_builtins(void) {
    void *modules = watch.modules();
    void *module = modules ? watch.get(modules, "builtins") : NULL;
    void *names = module ? watch.names(module) : NULL;
    if (module && !names)
        watch.clear(); /* it is no module */
    return names;
}

/* What is compiled here is told as memory of the function of the program's that runs: so that is
 * little, and compiles the rest. */
static void load(void *home) {
    static const char start[] = "exec(compile(source, '<holdfast>/load.py', 'exec'), globals())\n";
    void *builtins = find_builtins();
    void *globals = builtins ? watch.new_dict() : NULL;
    void *source =
        globals ? watch.view(watch_code, (ssize_t)sizeof watch_code - 1, BUFFER_READ) : NULL;
    if (source && watch.set(globals, "__builtins__", builtins) == 0 &&
        watch.set(globals, "home", home) == 0 && watch.set(globals, "source", source) == 0) {
        void *result = watch.run(start, FILE_INPUT, globals, globals);
        if (result)
            watch.release(result);
    }
    if (source)
        watch.release(source);
    if (globals)
        watch.release(globals);
}

/* An exception is what a handler of a signal has raised meanwhile: that is the program's. */
static int look(void *unused) {
    (void)unused;
    atomic_store(&watch.asked, false);
    if (python_is_ending() || watch_table.closed)
        return 0;
    void *home = find_home();
    if (!home)
        return 0;
    void *notice = watch.get(home, WATCH_READY);
    if (!notice && !watch.error()) {
        load(home);
        notice = watch.error() ? NULL : watch.get(home, WATCH_READY);
    }
    if (!notice)
        return watch.error() ? -1 : 0;
    void *result = watch.call(notice, "K", (unsigned long long)(uintptr_t)&watch_table);
    if (!result)
        return -1;
    watch_table.closed |= watch.is_true(result) == 1;
    watch.release(result);
    return 0;
}

/* -- In any thread -- */

static struct watch_block *free_entry(void) {
    for (uint32_t i = 0; i < WATCH_BLOCKS; i++) {
        uint64_t none = 0;
        struct watch_block *entry = &watch_table.blocks[i];
        if (__atomic_compare_exchange_n(&entry->address, &none, FILLING, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return entry;
    }
    return NULL;
}

/* What was left with an interpreter before 3.12 is called there. */
static bool in_main_interpreter(const char *state) {
    return python_pointer(state, python.at.thread_interpreter) ==
           python_pointer(python.runtime, python.at.runtime_main_interpreter);
}

/* In exit handlers: 3.8 not only refuses a call there, but complains on standard error. */
static bool takes_calls(void) {
    uint32_t at = python.at.runtime_no_more_calls;
    return !at || *(const int *)(const void *)(python.runtime + at) == 0;
}

/* What threads make that Python knows nothing of is no object's. */
void watch_note(uintptr_t block, uint64_t size) {
    const char *state = frames_state(&self);
    if (!state || !in_main_interpreter(state) || !python_at_rest() || !takes_calls())
        return;
    struct watch_block *entry = watch_table.closed ? NULL : free_entry();
    if (!entry) {
        __atomic_fetch_add(&watch_table.more, 1, __ATOMIC_RELAXED);
        return;
    }
    entry->size = size;
    entry->thread = self.pthread;
    __atomic_store_n(&entry->address, block, __ATOMIC_RELEASE);
    if (!atomic_exchange(&watch.asked, true) && watch.add_pending_call(look, NULL) != 0)
        atomic_store(&watch.asked, false); /* there are too many: the next block asks again */
}

void watch_forget(uintptr_t block) {
    for (uint32_t i = 0; i < WATCH_BLOCKS; i++) {
        uint64_t address = block;
        __atomic_compare_exchange_n(&watch_table.blocks[i].address, &address, 0, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
}

void watch_begin(void *scope) {
    if (!process.session || !process.session->watch || !python.present)
        return;
    python_symbol(scope, "Py_AddPendingCall", &watch.add_pending_call);
    const char *own = python.at.minor < 9 ? "_PyInterpreterState_Get" : "PyInterpreterState_Get";
    python_symbol(scope, own, &watch.interpreter);
    python_symbol(scope, "PyInterpreterState_GetDict", &watch.dict_of);
    python_symbol(scope, "PyDict_GetItemString", &watch.get);
    python_symbol(scope, "PyDict_New", &watch.new_dict);
    python_symbol(scope, "PyDict_SetItemString", &watch.set);
    python_symbol(scope, "PyMemoryView_FromMemory", &watch.view);
    python_symbol(scope, "PyImport_GetModuleDict", &watch.modules);
    python_symbol(scope, "PyModule_GetDict", &watch.names);
    python_symbol(scope, "PyRun_String", &watch.run);
    python_symbol(scope, "PyObject_CallFunction", &watch.call);
    python_symbol(scope, "PyErr_Occurred", &watch.error);
    python_symbol(scope, "PyErr_Clear", &watch.clear);
    python_symbol(scope, "PyObject_IsTrue", &watch.is_true);
    python_symbol(scope, "Py_DecRef", &watch.release);
    watch_table.forget = (uintptr_t)watch_forget;
    if (watch.add_pending_call && watch.interpreter && watch.dict_of && watch.get &&
        watch.new_dict && watch.set && watch.view && watch.modules && watch.names && watch.run &&
        watch.call && watch.error && watch.clear && watch.is_true && watch.release)
        watch_table.least = process.session->watch;
}

/* Finding the interpreter, recognising its version, and knowing whether this thread holds its GIL.
 */
#include "python.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "../wire/profile.h"
#include "../wire/session.h"
#include "native/native.h"
#include "refs/refs.h"
#include "snapshot.h"
#include "thread.h"
#include "walk/walk.h"
#include "watch.h"

#include "layouts.h"
#include "offsets/3.13t.h"
#include "offsets/3.14t.h"
#include "offsets/3.8.h"
#include "offsets/3.9.h"

struct python python;

struct known_version {
    const struct python_offsets *at;
    const struct python_field *fields;
    size_t field_count;
    const struct python_override *overrides;
    size_t override_count;
};

#define COUNTED(table) table, sizeof(table) / sizeof((table)[0])

static const struct known_version known_versions[] = {
    {&offsets_3_8, COUNTED(fields_3_8), NULL, 0},
    {&offsets_3_9, COUNTED(fields_3_9), NULL, 0},
    {&offsets_3_10, COUNTED(fields_3_10), NULL, 0},
    {&offsets_3_11, COUNTED(fields_3_11), NULL, 0},
    {&offsets_3_12, COUNTED(fields_3_12), NULL, 0},
    {&offsets_3_13, COUNTED(fields_3_13), COUNTED(overrides_3_13)},
    {&offsets_3_13t, COUNTED(fields_3_13t), COUNTED(overrides_3_13t)},
    {&offsets_3_14, COUNTED(fields_3_14), COUNTED(overrides_3_14)},
    {&offsets_3_14t, COUNTED(fields_3_14t), COUNTED(overrides_3_14t)},
};

/* How _Py_DebugOffsets begins, in every version that has it. */
struct debug_offsets {
    char cookie[8];
    uint64_t version; /* as PY_VERSION_HEX */
    uint64_t free_threaded;
};

static const struct debug_offsets *debug_offsets(void) {
    const struct debug_offsets *debug = (const void *)python.runtime;
    return memcmp(debug->cookie, "xdebugpy", 8) == 0 ? debug : NULL;
}

static const struct known_version *known_version(uint32_t minor) {
    const struct debug_offsets *debug = minor >= 13 ? debug_offsets() : NULL;
    if (minor >= 13 && (!debug || debug->version >> 16 != (0x300 | minor)))
        return NULL;
    uint32_t free_threaded = debug && debug->free_threaded;
    for (size_t i = 0; i < sizeof known_versions / sizeof known_versions[0]; i++) {
        const struct known_version *known = &known_versions[i];
        if (known->at->minor == minor && known->at->free_threaded == free_threaded)
            return known;
    }
    return NULL;
}

static void take_offsets(const struct known_version *known) {
    python.at = *known->at;
    python.fields = known->fields;
    python.field_count = known->field_count;
    for (size_t i = 0; i < known->override_count; i++) {
        uint64_t value;
        memcpy(&value, python.runtime + known->overrides[i].debug, sizeof value);
        uint32_t offset = (uint32_t)value;
        memcpy((char *)&python.at + known->overrides[i].field, &offset, sizeof offset);
    }
}

/* What the hot functions read (frames.h, hot.h) is where the table says. */
static bool keeps_layout(const struct python_offsets *table) {
    size_t first = offsetof(struct python_offsets, runtime_main_interpreter);
    size_t end = offsetof(struct python_offsets, code_name);
    return memcmp((const char *)table + first, (const char *)&python.at + first, end - first) == 0;
}

static enum python_layout layout_of(const struct known_version *known) {
    for (enum python_layout layout = LAYOUT_OTHER + 1; layout < LAYOUTS; layout++)
        if (layout_offsets(layout) == known->at && keeps_layout(known->at))
            return layout;
    return LAYOUT_OTHER;
}

/* The 12 of "3.12.1 (main, ...)"; 0 when it is not that. */
static uint32_t minor_of(const char *version) {
    if (strncmp(version, "3.", 2) != 0)
        return 0;
    uint32_t minor = 0;
    for (const char *c = version + 2; *c >= '0' && *c <= '9' && minor < 1000; c++)
        minor = minor * 10 + (uint32_t)(*c - '0');
    return minor;
}

void python_symbol(void *scope, const char *name, void *place) {
    void *symbol = dlsym(scope, name);
    memcpy(place, &symbol, sizeof symbol);
}

static void recognise(void *scope, const char *version) {
    uint32_t minor = minor_of(version);
    python_symbol(scope, "_PyRuntime", &python.runtime);
    python_symbol(scope, "PyCode_Type", &python.code_type);
    python_symbol(scope, "PyGILState_GetThisThreadState", &python.own_state);
    python_symbol(scope, minor >= 13 ? "PyThreadState_GetUnchecked" : "_PyThreadState_UncheckedGet",
                  &python.current);
    python.state = PYTHON_UNKNOWN;
    if (!python.runtime || !python.code_type || !python.own_state || !python.current)
        return;
    const struct known_version *known = known_version(minor);
    if (!known)
        return;
    take_offsets(known);
    python.has_gil = !python.at.free_threaded;
    if (python.at.runtime_current)
        python.current_place =
            (const char *const *)(const void *)(python.runtime + python.at.runtime_current);
    python.layout = layout_of(known);
    walk_find(scope);
    native_find_loop(scope);
    python.state = PYTHON_TRACED;
    python.present = true;
}

/* "3.13.5 free-threading" of "3.13.5 experimental free-threading build (main, ...) [GCC ...]". */
static void take_version(const char *version) {
    static const char build[] = PROFILE_FREE_THREADING;
    size_t length = strcspn(version, " "), most = sizeof python.version - sizeof build;
    if (length > most)
        length = most;
    memcpy(python.version, version, length);
    if (strstr(version, build))
        memcpy(python.version + length, build, sizeof build);
}

static void look(void *scope) {
    const char *(*get_version)(void);
    python_symbol(scope, "Py_GetVersion", &get_version);
    if (!get_version || python.found)
        return;
    python.found = true;
    const char *version = get_version();
    take_version(version);
    recognise(scope, version);
    refs_begin(scope);
    watch_begin(scope);
    pymem_install(scope);
    python_publish();
}

void python_find(void *handle) {
    static atomic_flag looking = ATOMIC_FLAG_INIT;
    if (python.found || atomic_flag_test_and_set(&looking))
        return;
    /* What dlsym allocates for its error message is not the program's, nor is the message. */
    self.in_python++;
    look(handle ? handle : RTLD_DEFAULT);
    dlerror();
    self.in_python--;
    atomic_flag_clear(&looking);
}

/* In every known version the counts stand right before the flag. */
static void publish_collections(struct region *region) {
    uint64_t place = python.at.gc_collecting - (uint64_t)REGION_COLLECTIONS_SIZE;
    if (!python.present)
        return;
    region->collections_slot =
        python.at.runtime_gc ? 0 : (uintptr_t)(python.runtime + python.at.runtime_main_interpreter);
    region->collections_place =
        place + (python.at.runtime_gc ? (uintptr_t)(python.runtime + python.at.runtime_gc)
                                      : python.at.interpreter_gc);
}

void python_publish(void) {
    struct region *region = process.region;
    snapshot_arm();
    if (!region || !python.found)
        return;
    memcpy(region->python_version, python.version, sizeof python.version);
    publish_collections(region);
    atomic_store_explicit(&region->python_state, python.state, memory_order_release);
}

void python_distrust(void) {
    python.present = false;
    python.has_gil = false;
    python.quick = false;
    hot_close();
    python.state = PYTHON_UNKNOWN;
    python_publish();
}

bool python_gil_held(struct thread *thread) {
    thread->state = NULL;
    if (!python.present || thread->asking)
        return false;
    thread->asking = true;
    const char *state = python.current();
    thread->asking = false;
    if (!state)
        return false;
    if (python.at.minor < 12 && python_guard(&python.at, state) != thread->pthread)
        return false;
    thread->state = state;
    bool held = python.has_gil &&
                (python.at.minor < 12 ||
                 python_guard(&python.at, state) ==
                     *(const uint64_t *)(const void *)(python.runtime +
                                                       python.at.runtime_main_interpreter));
    python.quick |= held && (!python.current_place || *python.current_place == state);
    return held;
}

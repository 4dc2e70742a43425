/* The interpreters on this machine. What an interpreter is, it is asked itself: a name says little,
 * and what pyenv puts onto PATH is a script. */
#include "doctor.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "inspect.h"
#include "version.h"

#define ASK_MS 5000

/* One thing a line; for Python 2, too. */
static const char question[] =
    "import sys\n"
    "maps = open('/proc/self/maps').read() if sys.platform.startswith('linux') else ''\n"
    "print('%d.%d.%d' % sys.version_info[:3])\n"
    "print(getattr(getattr(sys, 'implementation', None), 'name', 'cpython'))\n"
    "print('shared' if 'libpython' in maps else 'static')\n"
    "print('t' if 't' in getattr(sys, 'abiflags', '') else '-')\n"
    "print(sys.executable)\n";

static bool take_line(char **rest, char *line, size_t size) {
    size_t length = strcspn(*rest, "\n");
    if (length == 0 || length >= size || (*rest)[length] != '\n')
        return false;
    snprintf(line, size, "%.*s", (int)length, *rest);
    *rest += length + 1;
    return true;
}

static bool understand(char *answer, struct interpreter *python) {
    char linkage[8], threads[8];
    if (!take_line(&answer, python->version, sizeof python->version) ||
        !take_line(&answer, python->implementation, sizeof python->implementation) ||
        !take_line(&answer, linkage, sizeof linkage) ||
        !take_line(&answer, threads, sizeof threads) ||
        !take_line(&answer, python->path, sizeof python->path))
        return false;
    python->shared = strcmp(linkage, "shared") == 0;
    python->free_threaded = threads[0] == 't';
    python->known = strcmp(python->implementation, "cpython") == 0 &&
                    version_knows_python(python->version, python->free_threaded);
    return true;
}

/* False when it is no interpreter, or does not answer. */
static bool ask(const char *path, struct interpreter *python) {
    char *command[] = {(char *)(size_t)path, "-I", "-S", "-c", (char *)(size_t)question, NULL};
    char *old_command[] = {(char *)(size_t)path, "-c", (char *)(size_t)question, NULL};
    struct child_output output;
    int status = child_run(command, ASK_MS, &output);
    if (status > 0) /* Python 2 does not know -I */
        status = child_run(old_command, ASK_MS, &output);
    return status == 0 && understand(output.text, python);
}

static bool is_there(const struct diagnosis *diagnosis, const struct interpreter *python) {
    char wanted[PATH_MAX], have[PATH_MAX];
    for (size_t i = 0; realpath(python->path, wanted) && i < diagnosis->interpreter_count; i++)
        if (realpath(diagnosis->interpreters[i].path, have) && strcmp(wanted, have) == 0)
            return true;
    return false;
}

static void consider(struct diagnosis *diagnosis, const char *path) {
    struct interpreter *python = &diagnosis->interpreters[diagnosis->interpreter_count];
    if (diagnosis->interpreter_count == INTERPRETERS_MAX || access(path, X_OK) != 0 ||
        !ask(path, python))
        return;
    if (!is_there(diagnosis, python))
        diagnosis->interpreter_count++;
}

/* "python", "python3", "python3.12", "python3.13t", "pypy3"; not python3-config. */
static int is_interpreter_name(const struct dirent *entry) {
    const char *name = entry->d_name;
    size_t length = strncmp(name, "python", 6) == 0 ? 6 : strncmp(name, "pypy", 4) == 0 ? 4 : 0;
    size_t number = length + strspn(name + length, "0123456789.");
    return length && (name[number] == '\0' || strcmp(name + number, "t") == 0);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Calls `visit` for each entry of a folder that `wanted` likes, in the order of their names. (glob
 * would look into the password file, which a static executable cannot.) */
static void visit_folder(struct diagnosis *diagnosis, const char *folder,
                         int (*wanted)(const struct dirent *entry),
                         void (*visit)(struct diagnosis *diagnosis, const char *path)) {
    struct dirent **entries;
    char path[2 * PATH_MAX];
    int count = scandir(folder, &entries, wanted, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        visit(diagnosis, path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void search_folder(struct diagnosis *diagnosis, const char *folder) {
    visit_folder(diagnosis, folder, is_interpreter_name, consider);
}

/* pyenv's shims stand for interpreters that are found by themselves. */
static void search_path(struct diagnosis *diagnosis) {
    char folder[PATH_MAX];
    for (const char *at = getenv("PATH"); at && *at;) {
        int length = (int)strcspn(at, ":");
        snprintf(folder, sizeof folder, "%.*s", length, at);
        if (folder[0] == '/' && !strstr(folder, "/shims"))
            search_folder(diagnosis, folder);
        at += at[length] ? length + 1 : length;
    }
}

static void search_version(struct diagnosis *diagnosis, const char *version) {
    char folder[2 * PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/bin", version) >= (int)sizeof folder)
        return;
    search_folder(diagnosis, folder);
}

static void search_pyenv(struct diagnosis *diagnosis) {
    char folder[PATH_MAX];
    const char *root = getenv("PYENV_ROOT"), *home = getenv("HOME");
    if (!root && !home)
        return;
    snprintf(folder, sizeof folder, "%s%s/versions", root ? root : home, root ? "" : "/.pyenv");
    visit_folder(diagnosis, folder, is_visible, search_version);
}

/* What `python3` and `python` start comes first: that is what is tried. */
static void search(struct diagnosis *diagnosis) {
    static const char *const usual[] = {"python3", "python"};
    static struct inspected inspected;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        inspect_command(usual[i], &inspected);
        if (inspected.verdict != INSPECT_REFUSED)
            consider(diagnosis, inspected.path);
    }
    search_path(diagnosis);
    search_pyenv(diagnosis);
}

static void check_one(struct diagnosis *diagnosis, const char *program) {
    static struct inspected inspected;
    inspect_command(program, &inspected);
    if (inspected.verdict != INSPECT_TRACEABLE) {
        diagnosis_add(diagnosis, "interpreter", HEALTH_BROKEN, "%s", inspected.reason);
        return;
    }
    consider(diagnosis, inspected.path);
    if (diagnosis->interpreter_count == 0)
        diagnosis_add(diagnosis, "interpreter", HEALTH_BROKEN,
                      "%s does not run as a Python interpreter", program);
}

void doctor_python(struct diagnosis *diagnosis, const char *program) {
    if (program) {
        check_one(diagnosis, program);
        return;
    }
    search(diagnosis);
    if (diagnosis->interpreter_count)
        return;
    diagnosis_add(diagnosis, "interpreters", HEALTH_BROKEN,
                  "no Python is on PATH, nor any of pyenv's");
    diagnosis_advise(diagnosis, "install one, or name it: holdfast doctor /path/to/python3");
}

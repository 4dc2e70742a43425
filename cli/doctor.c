/* See doctor.h. The diagnosis itself, and how it is told to a person. */
#include "doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "version.h"

void diagnosis_add(struct diagnosis *diagnosis, const char *name, enum health health,
                   const char *format, ...) {
    if (diagnosis->check_count == CHECKS_MAX)
        abort(); /* there are fewer calls */
    struct check *check = &diagnosis->checks[diagnosis->check_count++];
    *check = (struct check){.name = name, .health = health};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->text, sizeof check->text, format, arguments);
    va_end(arguments);
}

void diagnosis_advise(struct diagnosis *diagnosis, const char *format, ...) {
    struct check *check = &diagnosis->checks[diagnosis->check_count - 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->advice, sizeof check->advice, format, arguments);
    va_end(arguments);
}

enum health diagnosis_health(const struct diagnosis *diagnosis) {
    enum health worst = HEALTH_GOOD;
    for (size_t i = 0; i < diagnosis->check_count; i++)
        if (diagnosis->checks[i].health > worst)
            worst = diagnosis->checks[i].health;
    return worst;
}

static const char *label(enum health health) {
    static const char *const labels[] = {[HEALTH_GOOD] = "ok",
                                         [HEALTH_NOTE] = "note",
                                         [HEALTH_LIMITED] = "LIMITED",
                                         [HEALTH_BROKEN] = "BROKEN"};
    return labels[health];
}

/* What is wrong comes first, so that nobody has to look for it. */
static void put_verdict(const struct diagnosis *diagnosis, FILE *out) {
    enum health worst = diagnosis_health(diagnosis);
    fputs(worst == HEALTH_BROKEN    ? "holdfast run does not work here:\n"
          : worst == HEALTH_LIMITED ? "holdfast run works here, but not all of it:\n"
                                    : "holdfast run works here.\n",
          out);
    for (size_t i = 0; i < diagnosis->check_count; i++) {
        const struct check *check = &diagnosis->checks[i];
        if (check->health != worst || worst < HEALTH_LIMITED)
            continue;
        fprintf(out, "  %s: %s\n", check->name, check->text);
        if (check->advice[0])
            fprintf(out, "    what helps: %s\n", check->advice);
    }
}

static void put_interpreter(const struct interpreter *python, FILE *out) {
    bool cpython = strcmp(python->implementation, "cpython") == 0;
    fprintf(out, "  %-8s %s %s%s, %s\n", python->known ? "ok" : "LIMITED", python->path,
            python->version, python->free_threaded ? ", free-threaded" : "",
            python->known ? python->shared ? "shared libpython" : "static"
            : cpython     ? "of a version whose stacks are not read: bytes without lines"
                          : "which is not CPython: it runs untraced");
}

void doctor_text(const struct diagnosis *diagnosis, FILE *out) {
    put_verdict(diagnosis, out);
    fputs("\nThis machine:\n", out);
    for (size_t i = 0; i < diagnosis->check_count; i++) {
        const struct check *check = &diagnosis->checks[i];
        fprintf(out, "  %-8s %-14s %s\n", label(check->health), check->name, check->text);
        if (check->advice[0])
            fprintf(out, "  %-8s %-14s %s\n", "", "", check->advice);
    }
    if (diagnosis->interpreter_count)
        fputs("\nInterpreters:\n", out);
    for (size_t i = 0; i < diagnosis->interpreter_count; i++)
        put_interpreter(&diagnosis->interpreters[i], out);
    fputs("\nStacks are read of ", out);
    version_put_pythons(out);
    fputs(".\n", out);
}

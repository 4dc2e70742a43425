/* `holdfast doctor`: what will and what will not work on this machine. Each part looks at one thing
 * and adds what it found to a diagnosis, which is then told as text or as JSON. */
#ifndef HOLDFAST_CLI_DOCTOR_H
#define HOLDFAST_CLI_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum health {
    HEALTH_GOOD,
    HEALTH_NOTE,    /* good to know, nothing is missing */
    HEALTH_LIMITED, /* `run` works, and something of its report will be missing */
    HEALTH_BROKEN,  /* `run` does not work */
};

struct check {
    const char *name;
    enum health health;
    char text[PATH_MAX + 256];   /* what is so */
    char advice[PATH_MAX + 256]; /* what can be done; empty */
};

/* A Python that was found. */
struct interpreter {
    char path[PATH_MAX];
    char version[32];        /* "3.12.1" */
    char implementation[32]; /* "cpython" */
    bool shared;             /* links libpython */
    bool free_threaded;
    bool known; /* its stacks are read */
};

#define CHECKS_MAX 32
#define INTERPRETERS_MAX 64

struct diagnosis {
    struct check checks[CHECKS_MAX];
    size_t check_count;
    struct interpreter interpreters[INTERPRETERS_MAX];
    size_t interpreter_count;
};

/* Adds a check. `format`: what is so. */
__attribute__((format(printf, 4, 5))) void diagnosis_add(struct diagnosis *diagnosis,
                                                         const char *name, enum health health,
                                                         const char *format, ...);

/* Adds what can be done to the last check. */
__attribute__((format(printf, 2, 3))) void diagnosis_advise(struct diagnosis *diagnosis,
                                                            const char *format, ...);

/* The worst of all. */
enum health diagnosis_health(const struct diagnosis *diagnosis);

void doctor_library(struct diagnosis *diagnosis); /* is it there, and can it be loaded? */
void doctor_system(struct diagnosis *diagnosis);  /* what the kernel has and permits */
void doctor_limits(struct diagnosis *diagnosis);  /* what this process may use */

/* Finds interpreters on PATH and pyenv's, or looks at `program` alone. */
void doctor_python(struct diagnosis *diagnosis, const char *program);

/* Traces a small program in the first of them, and looks at the profile that comes of it. */
void doctor_trial(struct diagnosis *diagnosis);

void doctor_text(const struct diagnosis *diagnosis, FILE *out);
bool doctor_json(const struct diagnosis *diagnosis, FILE *out);

#endif

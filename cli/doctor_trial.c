/* The only proof: a program is traced, and its profile read. */
#include "doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../wire/profile.h"
#include "child.h"
#include "viewer/views.h"

#define TRIAL_MS 60000
#define HELD 20000000u

/* A list makes the heap worth a copy; the array is what the profile must know. */
static const char program[] = "def hold():\n"
                              "    held = [str(i) for i in range(10000)]\n"
                              "    array = bytearray(20000000)\n"
                              "    return held, array\n"
                              "hold()\n";

/* The run's messages are taken in place of its output. */
static const char script[] =
    "exec \"$0\" run --no-page --ceiling 10MB -o \"$1\" -- \"$2\" -S -c \"$3\" 2>&1 </dev/null";

static const struct profile_site *find_held(const struct profile *profile) {
    for (uint32_t i = 0; i < profile->site_count; i++)
        if (profile->sites[i].peak_bytes >= HELD)
            return &profile->sites[i];
    return NULL;
}

static bool has_complete_snapshot(const struct profile *profile) {
    for (uint32_t i = 0; i < profile->snapshot_count; i++)
        if ((profile->snapshots[i].flags & SNAPSHOT_COMPLETE) &&
            !(profile->snapshots[i].flags & SNAPSHOT_IS_SHALLOW))
            return true;
    return false;
}

static void judge(struct diagnosis *diagnosis, const struct interpreter *python,
                  const struct profile *profile) {
    const struct profile_site *held = find_held(profile);
    if (!held) {
        diagnosis_add(diagnosis, "trial", HEALTH_BROKEN,
                      "%s was run, but its memory is not in the profile", python->path);
    } else if (profile->nodes[held->node].function == 0) {
        diagnosis_add(diagnosis, "trial", HEALTH_LIMITED,
                      "%s %s was traced, but its stacks cannot be read: bytes are counted, "
                      "without lines and holders",
                      python->path, python->version);
        if (!python->known)
            diagnosis_advise(diagnosis, "use a version that is known, or a newer Holdfast");
    } else if (!has_complete_snapshot(profile)) {
        diagnosis_add(diagnosis, "trial", python->free_threaded ? HEALTH_NOTE : HEALTH_LIMITED,
                      "%s %s was traced, with its stacks; holders are told only as far as local "
                      "variables show them",
                      python->path, python->version);
    } else {
        diagnosis_add(diagnosis, "trial", HEALTH_GOOD,
                      "%s %s was traced, with its stacks and all holders", python->path,
                      python->version);
    }
}

/* What a failed run said of itself. */
static void fail(struct diagnosis *diagnosis, const struct interpreter *python, int status,
                 char *text) {
    const char *start = strstr(text, "holdfast: ");
    text[strcspn(text, "\n")] = '\0';
    if (status < 0)
        diagnosis_add(diagnosis, "trial", HEALTH_BROKEN, "%s, traced, did not come to its end",
                      python->path);
    else if (!text[0])
        diagnosis_add(diagnosis, "trial", HEALTH_BROKEN, "tracing %s failed with exit status %d",
                      python->path, status);
    else
        diagnosis_add(diagnosis, "trial", HEALTH_BROKEN, "tracing %s failed: %.500s", python->path,
                      start == text ? text + strlen("holdfast: ") : text);
}

static void try_in(struct diagnosis *diagnosis, const struct interpreter *python,
                   const char *folder) {
    char self[PATH_MAX], output[64];
    snprintf(output, sizeof output, "%s/trial.holdfast", folder);
    if (!realpath("/proc/self/exe", self))
        snprintf(self, sizeof self, "holdfast");
    char *command[] = {"/bin/sh",
                       "-c",
                       (char *)(size_t)script,
                       self,
                       output,
                       (char *)(size_t)python->path,
                       (char *)(size_t)program,
                       NULL};
    static struct child_output said;
    struct profile_error error;
    int status = child_run(command, TRIAL_MS, &said);
    struct profile *profile = status == 0 ? view_read(output, &error) : NULL;
    if (profile)
        judge(diagnosis, python, profile);
    else
        fail(diagnosis, python, status, said.text);
    profile_free(profile);
    unlink(output);
}

/* The first that is known: what is found first is what `python3` starts. */
static const struct interpreter *choose(const struct diagnosis *diagnosis) {
    for (size_t i = 0; i < diagnosis->interpreter_count; i++)
        if (diagnosis->interpreters[i].known)
            return &diagnosis->interpreters[i];
    return &diagnosis->interpreters[0];
}

void doctor_trial(struct diagnosis *diagnosis) {
    static const char *const places[] = {"/tmp", "/dev/shm", "."};
    char folder[48];
    if (diagnosis->interpreter_count == 0)
        return;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(folder, sizeof folder, "%s/holdfast-trial-XXXXXX", places[i]);
        if (!mkdtemp(folder))
            continue;
        try_in(diagnosis, choose(diagnosis), folder);
        rmdir(folder);
        return;
    }
    diagnosis_add(diagnosis, "trial", HEALTH_LIMITED,
                  "no trial was made: there is no folder to write into");
}

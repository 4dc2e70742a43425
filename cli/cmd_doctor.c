/* holdfast doctor: what will and what will not work on this machine, and why. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "doctor.h"

static const struct option_row rows[] = {{.key = 'f',
                                          .name = "format",
                                          .value = "FORMAT",
                                          .completes = COMPLETES_CHOICE,
                                          .help = "text (the default): for people\n"
                                                  "json: for programs"},
                                         {0}};

static bool take_option(void *context, int key, const char *value) {
    bool *json = context;
    (void)key;
    *json = strcmp(value, "json") == 0;
    if (*json || strcmp(value, "text") == 0)
        return true;
    fprintf(stderr, "holdfast: unknown format '%.100s': text and json are known\n", value);
    return false;
}

static bool write_diagnosis(const struct diagnosis *diagnosis, bool json) {
    bool written = true;
    if (json)
        written = doctor_json(diagnosis, stdout);
    else
        doctor_text(diagnosis, stdout);
    if (written && fflush(stdout) == 0)
        return true;
    fprintf(stderr, "holdfast: cannot write the diagnosis: %s\n", strerror(errno));
    return false;
}

static int doctor_main(int argc, char **argv) {
    bool json = false;
    int status = options_read(&command_doctor, argc, argv, take_option, &json);
    if (status >= 0)
        return status;
    if (argc - optind > 1) {
        fputs("holdfast: one interpreter at a time: holdfast doctor python3.12\n", stderr);
        return EXIT_MISUSE;
    }
    struct diagnosis *diagnosis = calloc(1, sizeof *diagnosis);
    if (!diagnosis) {
        fputs("holdfast: out of memory\n", stderr);
        return EXIT_MISUSE;
    }
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is what is looked for */
    doctor_library(diagnosis);
    doctor_system(diagnosis);
    doctor_limits(diagnosis);
    doctor_python(diagnosis, argv[optind]);
    doctor_trial(diagnosis);
    bool written = write_diagnosis(diagnosis, json);
    bool works = diagnosis_health(diagnosis) != HEALTH_BROKEN;
    free(diagnosis);
    return written && works ? 0 : 1;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "say what will and will not work on this machine, and why",
    .usage = "[options] [PYTHON]",
    .about =
        "\n"
        "Looks at the kernel, at limits and at the interpreters on PATH and pyenv's, and traces\n"
        "a small program. With PYTHON, only that interpreter.\n"
        "\n"
        "Options:",
    .options = rows,
    .after = "The exit status is 0 when `holdfast run` works here, 1 when it does not, 2 after "
             "misuse.\n"
             "\n"
             "Examples:\n"
             "  holdfast doctor\n"
             "  holdfast doctor .venv/bin/python\n",
    .operand_completes = COMPLETES_FILE,
    .main = doctor_main,
};

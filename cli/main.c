/* holdfast: the table of subcommands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "version.h"

const struct command *const commands[] = {
    &command_run,      &command_report, &command_check,      &command_diff,
    &command_snapshot, &command_doctor, &command_completion, NULL};

static void print_help(FILE *out) {
    fputs("Holdfast explains the memory peak of a Python program: what was allocated, where, and "
          "what\n"
          "still held it.\n\n"
          "Usage: holdfast COMMAND ...\n\nCommands:\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`holdfast COMMAND --help` explains a command; `holdfast --version` prints the "
          "version.\n",
          out);
}

/* Where the caller has closed one, a socket of ours would get its number, and what is written to
 * the terminal would go there. The program finds it closed, as it was. */
static void fill_standard_descriptors(void) {
    for (int i = 0; i <= 2; i++)
        if (fcntl(i, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", O_RDWR | O_CLOEXEC);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    if (argc < 2) {
        fputs("holdfast: no command; try `holdfast run -- python app.py`, or `holdfast --help`\n",
              stderr);
        return EXIT_MISUSE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        version_print(stdout);
        return 0;
    }
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->main(argc - 1, argv + 1);
    fprintf(stderr, "holdfast: no command named '%s'; `holdfast --help` lists them\n", argv[1]);
    return EXIT_MISUSE;
}

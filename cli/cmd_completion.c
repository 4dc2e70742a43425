/* holdfast completion: the scripts that make shells complete our commands and options. They are
 * installed with the program, too; this is for places where shells do not look by themselves. */
#include <getopt.h>
#include <string.h>

#include "completion.h"

static const struct option_row rows[] = {{0}};

static bool take_option(void *context, int key, const char *value) {
    (void)context;
    (void)key;
    (void)value;
    return true;
}

static int completion_main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    int status = options_read(&command_completion, argc, argv, take_option, NULL);
    if (status >= 0)
        return status;
    const char *wanted = optind + 1 == argc ? argv[optind] : "";
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(wanted, shells[i].name) == 0) {
            shells[i].write(stdout);
            return 0;
        }
    fputs("holdfast: which shell? `holdfast completion bash`, zsh or fish\n", stderr);
    return EXIT_MISUSE;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "write the script that makes a shell complete these",
    .usage = "SHELL",
    .about = "\n"
             "Writes the script that makes bash, zsh or fish complete the commands and options of\n"
             "holdfast.\n"
             "\n"
             "Options:",
    .options = rows,
    .after = "Examples:\n"
             "  eval \"$(holdfast completion bash)\"    # in ~/.bashrc\n"
             "  holdfast completion zsh >\"${fpath[1]}/_holdfast\"\n"
             "  holdfast completion fish >~/.config/fish/completions/holdfast.fish\n",
    .operand_completes = COMPLETES_CHOICE,
    .operand_choices = "bash zsh fish",
    .main = completion_main,
};

/* holdfast run: options, what is in the way of a run, and the names of things. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "inspect.h"
#include "launch.h"
#include "run_names.h"
#include "size.h"
#include "wire/session.h"

enum {
    NO_FOLLOW = OPTION_LONG,
    NO_PAGE,
    NO_HOLDERS,
    NATIVE,
    LIFETIMES,
    DRAG,
    REFS,
    REF_TRACER,
    CEILING,
    WATCH,
    KEEP_EVENTS
};

static const struct option_row rows[] = {
    {.key = 'o',
     .name = "output",
     .value = "FILE",
     .completes = COMPLETES_PROFILE,
     .help = "where the profile goes; default: named after the command, here"},
    {.key = 'q',
     .name = "quiet",
     .help = "print nothing of our own unless something is wrong, and write no page"},
    {.key = NO_PAGE,
     .name = "no-page",
     .help = "write the profile alone, and not the page beside it"},
    {.key = NO_FOLLOW,
     .name = "no-follow",
     .help = "record only the command's own process, not its children"},
    {.key = NO_HOLDERS,
     .name = "no-holders",
     .help = "do not look for what holds the memory: no snapshots of the references"},
    {.key = NATIVE,
     .name = "native",
     .help = "record the frames of C and other compiled code, too (docs/native.md)"},
    {.key = REFS,
     .name = "refs",
     .help = "name extension modules that leak references (docs/references.md)"},
    {.key = REF_TRACER,
     .name = "ref-tracer",
     .help = "the same, and have Python 3.13 and later tell of births and deaths"},
    {.key = LIFETIMES,
     .name = "lifetimes",
     .help = "record how long blocks live, and where they are freed (docs/lifetimes.md)"},
    {.key = DRAG,
     .name = "drag",
     .help = "look at when big blocks are touched, and how long they linger (docs/drag.md)"},
    {.key = CEILING,
     .name = "ceiling",
     .value = "SIZE",
     .help = "take a snapshot when a process first passes this, e.g. 512MiB or 2GB"},
    {.key = WATCH,
     .name = "watch",
     .value = "SIZE",
     .help = "follow who refers to objects of that size and up (docs/watch.md)"},
    {.key = KEEP_EVENTS,
     .name = "keep-events",
     .help = "the profile also holds every single event (docs/profile-format.md)"},
    {0}};

static bool set_size(const char *option, uint64_t *size, const char *text) {
    if (size_parse(text, size))
        return true;
    fprintf(stderr, "holdfast: '%.100s' is not a size; --%s takes 512MiB, 2GB or bytes\n", text,
            option);
    return false;
}

static bool set_watch(struct launch *launch, const char *text) {
    if (!set_size("watch", &launch->watch, text))
        return false;
    if (launch->watch >= WATCH_LEAST)
        return true;
    fprintf(stderr, "holdfast: --watch takes sizes from %uKiB on, which '%.100s' is below\n",
            WATCH_LEAST >> 10, text);
    return false;
}

static bool take_option(void *context, int key, const char *value) {
    struct launch *launch = context;
    switch (key) {
    case 'o':
        launch->output = value;
        return true;
    case 'q':
        launch->quiet = true;
        return true;
    case NO_PAGE:
        launch->page = false;
        return true;
    case NO_FOLLOW:
        launch->follow = false;
        return true;
    case NO_HOLDERS:
        launch->holders = false;
        return true;
    case NATIVE:
        launch->native = true;
        return true;
    case REFS:
        launch->refs = launch->refs ? launch->refs : REFS_COUNTED;
        return true;
    case REF_TRACER:
        launch->refs = REFS_TRACED;
        return true;
    case LIFETIMES:
        launch->lifetimes = true;
        return true;
    case DRAG:
        launch->drag = true;
        return true;
    case KEEP_EVENTS:
        launch->keep_events = true;
        return true;
    case WATCH:
        return set_watch(launch, value);
    default:
        return set_size("ceiling", &launch->ceiling, value);
    }
}

/* -1: go on; otherwise the exit status. */
static int parse(int argc, char **argv, struct launch *launch) {
    int status = options_read(&command_run, argc, argv, take_option, launch);
    if (status >= 0)
        return status;
    if (optind == argc) {
        fputs("holdfast: no command to run; try `holdfast run -- python app.py`\n", stderr);
        return EXIT_MISUSE;
    }
#ifndef __x86_64__
    if (launch->native) {
        fputs("holdfast: --native reads stacks on x86-64 alone\n", stderr);
        return EXIT_MISUSE;
    }
#endif
    if (launch->refs && !launch->holders) {
        fputs("holdfast: --refs looks into snapshots, and --no-holders means none; leave one out\n",
              stderr);
        return EXIT_MISUSE;
    }
    if (launch->ceiling && !launch->holders) {
        fputs("holdfast: --ceiling takes a snapshot, and --no-holders means none; leave one out\n",
              stderr);
        return EXIT_MISUSE;
    }
    launch->command = argv + optind;
    return -1;
}

static int run_main(int argc, char **argv) {
    struct launch launch = {.follow = true, .page = true, .holders = true};
    int status = parse(argc, argv, &launch);
    if (status >= 0)
        return status;
    static struct inspected inspected;
    inspect_command(launch.command[0], &inspected);
    if (inspected.verdict == INSPECT_REFUSED) {
        fprintf(stderr, "holdfast: %s\n", inspected.reason);
        return EXIT_MISUSE;
    }
    if (inspected.verdict == INSPECT_UNTRACEABLE) {
        if (!launch.quiet)
            fprintf(stderr, "holdfast: %s; it runs untraced\n", inspected.reason);
        return launch_untraced(&launch);
    }
    if (launch.refs && !launch.quiet && inspect_is_free_threaded(&inspected))
        fputs("holdfast: references cannot be counted in a free-threaded Python; all else is as "
              "without --refs\n",
              stderr);
    char output[256];
    if (!launch.output) {
        run_default_output(launch.command, output, sizeof output);
        launch.output = output;
    }
    char library[PATH_MAX];
    if (!run_name_library(library))
        return EXIT_MISUSE;
    launch.library = library;
    return launch_traced(&launch);
}

const struct command command_run = {
    .name = "run",
    .summary = "run a command and write a profile of its memory",
    .usage = "[options] [--] COMMAND...",
    .about = "\n"
             "Runs a command as if Holdfast were not there, records every memory allocation\n"
             "of its Python processes, and writes a profile and a page that explain the peak.\n"
             "\n"
             "Options:",
    .options = rows,
    .after = "The exit status is the command's; 2 when it cannot be started.\n"
             "Example: holdfast run -o before.holdfast -- python app.py --size 10\n",
    .operand_completes = COMPLETES_COMMAND,
    .main = run_main,
};

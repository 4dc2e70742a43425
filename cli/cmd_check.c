/* holdfast check: judges a run, or the profile of one, by ceilings. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_options.h"
#include "command.h"
#include "inspect.h"
#include "launch.h"
#include "page_file.h"
#include "run_names.h"
#include "target.h"
#include "viewer/check/baseline.h"
#include "viewer/check/outputs.h"
#include "viewer/format.h"
#include "viewer/report.h"
#include "viewer/views.h"
#include "wire/profile_format.h"

#define EXIT_BEYOND 1
#define EXIT_PROGRAM_FAILED 3
#define WRITES_MAX 16u
#define JOB_WIDTH 100u
#define DEFAULT_TOLERANCE 5000u /* thousandths of a per cent */

enum {
    MAX_PEAK = OPTION_LONG,
    MAX,
    MAX_PROCESS,
    MAX_GROWTH,
    MAX_CHURN,
    MAX_DEAD,
    KILL,
    BASELINE,
    TOLERANCE,
    UPDATE_BASELINE,
    JOB,
    CONFIG,
    WRITE,
    GITHUB,
    NO_PAGE
};

static const struct option_row rows[] = {
    {.heading = "Ceilings:",
     .key = MAX_PEAK,
     .name = "max-peak",
     .value = "SIZE",
     .help = "ceiling of all processes together, e.g. 512MiB or 2GB"},
    {.key = MAX,
     .name = "max",
     .value = "SUBJECT=SIZE",
     .help = "of a function and what it called, 'load()=9MB', a module, 'app.io=1GB',\n"
             "'process:a.py=1GB', a region, 'region:load=1GB', its 'leaks:load=1MB',\n"
             "'churn:load=1GB', 'native:load=1MB', and, times seconds, 'drag:load=1GB'"},
    {.key = MAX_PROCESS, .name = "max-process", .value = "SIZE", .help = "ceiling of each process"},
    {.key = MAX_GROWTH,
     .name = "max-growth",
     .value = "SIZE",
     .help = "ceiling of what processes had not given back when they ended"},
    {.key = MAX_CHURN,
     .name = "max-churn",
     .value = "SIZE",
     .help = "ceiling of what was allocated and given back again in the whole run"},
    {.key = MAX_DEAD,
     .name = "max-dead",
     .value = "SIZE",
     .help = "ceiling of what is held at the peak but never read again"},
    {.key = KILL,
     .name = "kill",
     .help = "stop the program when --max-peak or --max-process is passed"},
    {.heading = "Comparing with an earlier run:",
     .key = BASELINE,
     .name = "baseline",
     .value = "FILE",
     .completes = COMPLETES_FILE,
     .help = "compare the peak with that of the same job in this file, to be committed"},
    {.key = TOLERANCE,
     .name = "tolerance",
     .value = "PART",
     .help = "how far above the baseline is within: 5% (the default), or a size"},
    {.key = UPDATE_BASELINE,
     .name = "update-baseline",
     .help = "put this run into the baseline, and do not compare it"},
    {.key = JOB,
     .name = "job",
     .value = "NAME",
     .help = "what the run is called there; default: the name of its script or module"},
    {.heading = "What is written:",
     .key = 'o',
     .name = "output",
     .value = "FILE",
     .completes = COMPLETES_PROFILE,
     .help = "where the profile of a run goes"},
    {.key = WRITE,
     .name = "write",
     .value = "FORMAT=FILE",
     .help = "write the verdict to FILE ('-': the standard output), too; as often as\n"
             "wanted. json (docs/check-json.md), junit, sarif, markdown, github"},
    {.key = GITHUB,
     .name = "github",
     .help = "in GitHub Actions: annotate the lines at fault, add to the step's summary"},
    {.key = CONFIG,
     .name = "config",
     .value = "FILE",
     .completes = COMPLETES_FILE,
     .help = "read [tool.holdfast] there; default: the project's pyproject.toml"},
    {.key = NO_PAGE, .name = "no-page", .help = "write no page beside the profile of a run"},
    {.key = 'q',
     .name = "quiet",
     .help = "say nothing but what is beyond or wrong, and write no page"},
    {0}};

/* A form of the verdict, and where it is to go. */
struct wanted {
    const struct form *form;
    const char *file;
};

static const struct form {
    const char *name;
    bool (*write)(const struct check *check, FILE *out);
} forms[] = {{"json", check_json},
             {"markdown", check_markdown},
             {"github", check_github},
             {"junit", check_junit},
             {"sarif", check_sarif}};

struct request {
    struct check_options options;
    char *const *command; /* NULL: a profile is judged */
    const char *file;     /* the profile */
    const char *config;
    const char *job;      /* NULL: as its script or module is called */
    char *name;           /* the same, as text */
    json_t *baseline;     /* NULL: none */
    const json_t *before; /* the job in it; NULL: it is not there */
    struct wanted wanted[WRITES_MAX];
    size_t wanted_count;
    bool quiet, page, github;
    char default_file[256];
    struct launched launched;
};

static bool misuse(const char *text) {
    fprintf(stderr, "holdfast: %s\n", text);
    return false;
}

static bool add_wanted(struct request *request, const char *pair) {
    const char *equals = strchr(pair, '=');
    for (size_t i = 0; equals && equals[1] && i < sizeof forms / sizeof *forms; i++) {
        size_t length = (size_t)(equals - pair);
        if (strlen(forms[i].name) != length || strncmp(forms[i].name, pair, length) != 0)
            continue;
        if (request->wanted_count == WRITES_MAX)
            return misuse("--write is there too often");
        request->wanted[request->wanted_count++] = (struct wanted){&forms[i], equals + 1};
        return true;
    }
    fprintf(stderr, "holdfast: --write takes FORMAT=FILE, not '%.100s':", pair);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        fprintf(stderr, "%s %s", i ? "," : "", forms[i].name);
    fputs(sizeof forms > sizeof *forms ? " are known\n" : " is known\n", stderr);
    return false;
}

static bool take_option(void *context, int key, const char *value) {
    struct request *request = context;
    struct check_options *options = &request->options;
    switch (key) {
    case MAX_PEAK:
        return check_options_add(options, CEILING_TREE, "", value, "--max-peak");
    case MAX_PROCESS:
        return check_options_add(options, CEILING_PROCESS, "", value, "--max-process");
    case MAX_CHURN:
        return check_options_add(options, CEILING_CHURN, "", value, "--max-churn");
    case MAX_GROWTH:
        return check_options_add(options, CEILING_GROWTH, "", value, "--max-growth");
    case MAX_DEAD:
        return check_options_add(options, CEILING_DEAD, "", value, "--max-dead");
    case MAX:
        return check_options_add_pair(options, value);
    case KILL:
        options->kill = true;
        return true;
    case BASELINE:
        options->baseline = value;
        return true;
    case TOLERANCE:
        options->has_tolerance = true;
        return tolerance_parse(value, &options->tolerance);
    case UPDATE_BASELINE:
        options->update_baseline = true;
        return true;
    case JOB:
        request->job = value;
        return *value || misuse("--job needs a name");
    case 'o':
        request->file = value;
        return true;
    case WRITE:
        return add_wanted(request, value);
    case GITHUB:
        request->github = true;
        return true;
    case CONFIG:
        request->config = value;
        return true;
    case NO_PAGE:
        request->page = false;
        return true;
    default:
        request->quiet = true;
        return true;
    }
}

/* A command is what stands behind "--": a profile's name could be one, too. */
static bool take_operands(struct request *request, int argc, char **argv) {
    bool command = optind > 0 && strcmp(argv[optind - 1], "--") == 0;
    if (optind == argc)
        return misuse(command ? "no command behind --"
                              : "what is to be judged? holdfast check --max-peak 512MiB FILE, or "
                                "... -- python app.py");
    if (command) {
        request->command = argv + optind;
        return true;
    }
    if (argc - optind > 1)
        return misuse("one profile at a time; a command to be run stands behind --");
    if (request->file)
        return misuse("--output is for the profile of a run, and a command stands behind --");
    request->file = argv[optind];
    return true;
}

static bool read_baseline(struct request *request) {
    const struct check_options *options = &request->options;
    struct profile_error error;
    if (!options->baseline)
        return !options->update_baseline ||
               misuse("--update-baseline needs --baseline FILE, here or in pyproject.toml");
    request->baseline = baseline_read(options->baseline, &error);
    return request->baseline || misuse(error.text);
}

static bool settle(struct request *request) {
    struct check_options *options = &request->options;
    if (!check_options_read_project(options, request->config))
        return false;
    if (!options->has_tolerance)
        options->tolerance = (struct tolerance){.thousandths = DEFAULT_TOLERANCE};
    if (!read_baseline(request))
        return false;
    if (options->ceiling_count == 0 && !options->baseline)
        return misuse(
            "nothing to judge by: give --max-peak or another ceiling, or --baseline, here "
            "or in [tool.holdfast] of pyproject.toml");
    return true;
}

/* A job's name may be from a profile: nothing in it may be a command of a terminal's, or of a CI.
 */
static void say_job(const char *file, const char *between, const char *job, const char *end) {
    fputs("holdfast: ", stderr);
    format_escaped(stderr, file, "", PATH_MAX);
    fputs(between, stderr);
    format_escaped(stderr, job, "", JOB_WIDTH);
    fputs(end, stderr);
}

/* Names are bytes, and the verdict's forms are text: what is not becomes a '?'. To be kept; NULL
 * when memory ran out. */
static char *as_text(const char *name) {
    char *copy = strdup(name);
    for (char *at = copy; at && *at;) {
        size_t length = profile_utf8((const uint8_t *)at, strlen(at));
        if (length == 0)
            *at = '?';
        at += length ? length : 1;
    }
    return copy;
}

/* Finds the job in the baseline, which makes a ceiling of it. A run is not started in vain. */
static bool find_job(struct request *request, const char *const *command) {
    struct check_options *options = &request->options;
    if (!request->job)
        request->job = run_name(command);
    request->job = request->name = as_text(request->job);
    if (!request->job)
        return misuse("out of memory");
    request->before = baseline_job(request->baseline, request->job);
    if (!request->baseline || options->update_baseline)
        return true;
    if (request->before)
        return check_options_add_bytes(
            options, CEILING_BASELINE, "",
            tolerance_above(&options->tolerance, baseline_peak(request->before)),
            options->baseline);
    say_job(options->baseline, " has no job '", request->job, "' yet; --update-baseline adds it\n");
    return false;
}

/* -1: go on; otherwise the exit status. */
static int parse(struct request *request, int argc, char **argv) {
    int status = options_read(&command_check, argc, argv, take_option, request);
    if (status >= 0)
        return status;
    return take_operands(request, argc, argv) && settle(request) ? -1 : EXIT_MISUSE;
}

/* -- Running -- */

static uint64_t ceiling_of(const struct check_options *options, enum ceiling_kind kind) {
    uint64_t lowest = 0;
    for (uint32_t i = 0; i < options->ceiling_count; i++) {
        const struct ceiling *ceiling = &options->ceilings[i];
        if (ceiling->kind == kind && !*ceiling->subject && (!lowest || ceiling->bytes < lowest))
            lowest = ceiling->bytes;
    }
    return lowest;
}

static bool has_ceiling(const struct check_options *options, enum ceiling_kind kind) {
    for (uint32_t i = 0; i < options->ceiling_count; i++)
        if (options->ceilings[i].kind == kind)
            return true;
    return false;
}

/* With --kill the moment of the crossing is to be seen: a snapshot is taken there. */
static void set_kill(const struct check_options *options, struct launch *launch) {
    uint64_t baseline = ceiling_of(options, CEILING_BASELINE);
    launch->kill_tree = ceiling_of(options, CEILING_TREE);
    if (baseline && (!launch->kill_tree || baseline < launch->kill_tree))
        launch->kill_tree = baseline;
    launch->kill_process = ceiling_of(options, CEILING_PROCESS);
    launch->ceiling = launch->kill_tree;
    if (launch->kill_process && (!launch->ceiling || launch->kill_process < launch->ceiling))
        launch->ceiling = launch->kill_process;
}

static bool run(struct request *request) {
    static struct inspected inspected;
    char library[PATH_MAX];
    if (!find_job(request, (const char *const *)request->command))
        return false;
    inspect_command(request->command[0], &inspected);
    if (inspected.verdict != INSPECT_TRACEABLE)
        return misuse(inspected.reason);
    if (!request->file) {
        run_default_output(request->command, request->default_file, sizeof request->default_file);
        request->file = request->default_file;
    }
    if (!run_name_library(library))
        return false;
    struct launch launch = {.command = request->command,
                            .output = request->file,
                            .library = library,
                            .quiet = request->quiet,
                            .follow = true,
                            .drag = has_ceiling(&request->options, CEILING_DRAG),
                            .holders = true};
    if (request->options.kill)
        set_kill(&request->options, &launch);
    if (launch_program(&launch, &request->launched) >= 0 || !request->launched.has_profile)
        return false;
    request->file = request->launched.profile;
    return true;
}

/* -- Judging -- */

/* Summaries of several checks stand below each other. */
static bool write_one(const struct wanted *wanted, const struct check *check) {
    struct target target;
    bool append = wanted->form->write == check_markdown;
    return (append ? target_append : target_open)(&target, wanted->file) &&
           target_close(&target, wanted->form->write(check, target.file));
}

/* The runner reads commands from both outputs of a step, and names the file of its summary. */
static bool write_github(const struct check *check, FILE *out) {
    const char *file = getenv("GITHUB_STEP_SUMMARY");
    struct target target;
    if (!check_github(check, out) || fflush(out) != 0)
        return false;
    if (!file || !*file)
        return true;
    return target_append(&target, file) &&
           target_close(&target, check_markdown(check, target.file));
}

/* The program's own output is not mixed with the verdict of its run. */
static bool write_outputs(const struct request *request, const struct check *check) {
    FILE *out = request->command ? stderr : stdout;
    bool good = true;
    if (!request->quiet || check->verdict != CHECK_WITHIN)
        good = check_text(check, out) && fflush(out) == 0;
    for (size_t i = 0; i < request->wanted_count; i++)
        good = write_one(&request->wanted[i], check) && good;
    if (request->github)
        good = write_github(check, out) && good;
    return good;
}

/* Of the profile in `path`, read once more: a page has all frames. */
static bool write_page(const char *path, const char *name) {
    const struct report_options options = {
        .process = PROFILE_TREE, .width = REPORT_WIDTH, .lines = REPORT_LINES};
    struct profile_error error;
    struct profile *profile = profile_read(path, &error);
    FILE *file = profile && page_file_is_free(name) ? fopen(name, "we") : NULL;
    bool good = file && view_take(profile, VIEW_ALL) && report_page(profile, &options, file);
    if (file && fclose(file) != 0)
        good = false;
    profile_free(profile);
    if (!good)
        fprintf(stderr, "holdfast: no page was written to %s\n", name);
    return good;
}

static int exit_status_of(const struct check *check) {
    static const int statuses[] = {[CHECK_WITHIN] = 0,
                                   [CHECK_BEYOND] = EXIT_BEYOND,
                                   [CHECK_FAILED] = EXIT_PROGRAM_FAILED,
                                   [CHECK_UNKNOWN] = EXIT_MISUSE};
    return statuses[check->verdict];
}

/* Another check may have put its job into the file while this one's program ran: it is read again,
 * and nobody else writes it meanwhile. */
static bool put_into_baseline(const char *file, const struct check *check) {
    struct profile_error error;
    int lock = baseline_lock(file);
    json_t *baseline = baseline_read(file, &error);
    bool good = baseline && baseline_update(baseline, check);
    if (!good)
        misuse(baseline ? "out of memory" : error.text);
    else if (!(good = baseline_write(baseline, file)))
        fprintf(stderr, "holdfast: cannot write %s: %s\n", file, strerror(errno));
    json_decref(baseline);
    baseline_unlock(lock);
    return good;
}

/* What a run that failed, was stopped, or is not all in the profile held says nothing of the job.
 */
static bool update_baseline(const struct request *request, const struct check *check) {
    const char *file = request->options.baseline;
    if (check_program_failed(check) || check->request->stopped_bytes > 0) {
        fputs("holdfast: the baseline is left as it is: the program did not come to its end\n",
              stderr);
        return true;
    }
    if (check->missing) {
        fprintf(stderr, "holdfast: the baseline is left as it is: %s\n", check->missing);
        return true;
    }
    if (!put_into_baseline(file, check))
        return false;
    if (!request->quiet)
        say_job(file, " has the job '", request->job, "' now\n");
    return true;
}

static int conclude(const struct request *request, const struct check *check) {
    bool good = write_outputs(request, check) &&
                (!request->options.update_baseline || update_baseline(request, check));
    return good ? exit_status_of(check) : EXIT_MISUSE;
}

static int judge(const struct request *request, const struct profile *profile) {
    const struct check_options *options = &request->options;
    bool with_page = request->command && request->page && !request->quiet;
    char *page = with_page ? page_file_name(request->file) : NULL;
    struct check_request asked = {.profile = request->file,
                                  .root = options->root,
                                  .below = options->below,
                                  .at_root = options->at_root,
                                  .ceilings = options->ceilings,
                                  .ceiling_count = options->ceiling_count,
                                  .job = request->job,
                                  .baseline_file = options->baseline,
                                  .before = request->before,
                                  .stopped_bytes = request->launched.stopped_bytes};
    struct check *check = check_build(profile, &asked);
    int status = EXIT_MISUSE;
    if (check) {
        asked.page = page && write_page(request->file, page) ? page : NULL;
        status = conclude(request, check);
    } else {
        misuse("out of memory");
    }
    check_free(check);
    free(page);
    return status;
}

/* The job of a profile is found by the command in it. */
static bool find_job_of(struct request *request, const struct profile *profile) {
    const char **command = calloc((size_t)profile->command_count + 2, sizeof *command);
    if (!command)
        return misuse("out of memory");
    for (uint32_t i = 0; i < profile->command_count; i++)
        command[i] = profile->strings[profile->command[i]];
    if (profile->command_count == 0)
        command[0] = "";
    bool found = find_job(request, command);
    free(command);
    return found;
}

static int check_main(int argc, char **argv) {
    static struct request request = {.page = true};
    int status = parse(&request, argc, argv);
    if (status >= 0)
        return status;
    if (request.command && !run(&request))
        return EXIT_MISUSE;
    struct profile_error error;
    struct profile *profile = view_read(request.file, &error);
    if (!profile) {
        fprintf(stderr, "holdfast: %s\n", error.text);
        return EXIT_MISUSE;
    }
    status = EXIT_MISUSE;
    if (request.command || find_job_of(&request, profile))
        status = judge(&request, profile);
    json_decref(request.baseline);
    free(request.name);
    profile_free(profile);
    return status;
}

const struct command command_check = {
    .name = "check",
    .summary = "run a command, or take a profile, and judge its memory by ceilings",
    .usage = "[options] FILE | -- COMMAND...",
    .about =
        "Judges a run by ceilings for its memory, which are given here or in [tool.holdfast] of\n"
        "pyproject.toml (docs/check.md). Sizes are the bytes that the program asked for, not\n"
        "resident memory, so that a run gives the same verdict again.\n",
    .options = rows,
    .after =
        "The exit status is 0 within all ceilings, 1 beyond one, 2 when nothing could be\n"
        "judged or called within, 3 when the program itself failed and no ceiling was passed.\n"
        "\n"
        "Examples:\n"
        "  holdfast check --max-peak 512MiB -- python job.py\n"
        "  holdfast check --baseline memory.json --tolerance 3% job.holdfast\n",
    .operand_completes = COMPLETES_PROFILE,
    .main = check_main,
};

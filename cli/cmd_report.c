/* holdfast report: shows a profile. */
#include "command.h"
#include "formats.h"
#include "page_file.h"
#include "target.h"
#include "viewer/format.h"
#include "viewer/region_view.h"
#include "viewer/views.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOLDER = OPTION_LONG, SNAPSHOT, REGION, FRAMES, VIEW };

static const struct option_row rows[] = {
    {.key = 'f',
     .name = "format",
     .value = "FORMAT",
     .completes = COMPLETES_CHOICE,
     .help = "text (the default): a summary that fits a screen\n"
             "html: one page that needs no network, with a graph to zoom and search\n"
             "json: everything, for programs (docs/report-json.md)\n"
             "dot: the references around one holder, to be drawn (with --holder)\n"
             "csv: a table with a row for each stack\n"
             "collapsed: one line a stack, for flame graph tools\n"
             "speedscope: for speedscope.app\n"
             "pprof: for go tool pprof, and stores of continuous profiles\n"
             "massif: for ms_print and massif-visualizer\n"
             "trace: memory over time, for Perfetto; perfetto means the same"},
    {.key = 'o',
     .name = "output",
     .value = "OUT",
     .completes = COMPLETES_FILE,
     .help = "write there and not to the standard output; how its name ends says the\n"
             "format, too (docs/exports.md). A page never goes to a terminal: it is\n"
             "then written to FILE with .html at its end"},
    {.key = 'p', .name = "process", .value = "PID", .help = "only this process, at its own peak"},
    {.key = REGION,
     .name = "region",
     .value = "NAME",
     .help = "only what the program allocated in this region, at that one's own peak"},
    {.key = VIEW,
     .name = "view",
     .value = "VIEW",
     .help = "what the text tells: peak (the default), leaks, temporary, lifetimes, drag"},
    {.key = HOLDER,
     .name = "holder",
     .value = "N",
     .help = "the holder that the text and the JSON report number N"},
    {.key = SNAPSHOT,
     .name = "snapshot",
     .value = "NAME",
     .help = "holders as they were when 'holdfast snapshot' took NAME; 'ceiling' is\n"
             "the one that run --ceiling took"},
    {.key = FRAMES,
     .name = "frames",
     .value = "WHICH",
     .help = "python (the default), native, both or all, where run --native was used"},
    {0}};

struct request {
    const struct format *format; /* NULL until it is known */
    const char *file, *output;
    const char *snapshot; /* NULL: the best */
    const char *region;   /* NULL: everything */
    long pid;             /* -1: the whole tree */
    uint32_t holder;      /* 0: not given */
    enum view frames;
    enum report_view view;
};

static bool set_format(struct request *request, const char *name) {
    request->format = formats_find(name);
    if (request->format)
        return true;
    fprintf(stderr, "holdfast: unknown format '%s': ", name);
    formats_put_names(stderr);
    fputs(" are known\n", stderr);
    return false;
}

static const char *const text_views[] = {[REPORT_PEAK] = "peak",
                                         [REPORT_LIFETIMES] = "lifetimes",
                                         [REPORT_LEAKS] = "leaks",
                                         [REPORT_TEMPORARY] = "temporary",
                                         [REPORT_DRAG] = "drag"};

static bool set_view(struct request *request, const char *name) {
    for (unsigned i = 0; i < sizeof text_views / sizeof *text_views; i++)
        if (strcmp(name, text_views[i]) == 0) {
            request->view = (enum report_view)i;
            return true;
        }
    fprintf(stderr,
            "holdfast: unknown view '%s': peak, leaks, temporary, lifetimes and drag are known\n",
            name);
    return false;
}

static bool set_frames(struct request *request, const char *name) {
    if (view_find(name, &request->frames))
        return true;
    fprintf(stderr, "holdfast: unknown frames '%s': python, native, both and all are known\n",
            name);
    return false;
}

static bool set_pid(struct request *request, const char *text) {
    char *end;
    errno = 0;
    request->pid = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == 0 && request->pid >= 0)
        return true;
    fprintf(stderr, "holdfast: --process needs a process id, not '%s'\n", text);
    return false;
}

static bool set_holder(struct request *request, const char *text) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == 0 && number >= 1 && number <= INT32_MAX) {
        request->holder = (uint32_t)number;
        return true;
    }
    fprintf(stderr, "holdfast: --holder needs a number from 1, not '%s'\n", text);
    return false;
}

/* What the text is about; the page and the JSON have all that, and the others are about the peak.
 */
static bool check_view(const struct request *request) {
    if (request->view == REPORT_PEAK || request->format->write == report_text)
        return true;
    fprintf(stderr,
            "holdfast: --view %s goes with --format text, not with %s: leave it out, the JSON and "
            "the page have every view\n",
            text_views[request->view], request->format->name);
    return false;
}

/* --holder and dot need each other. */
static bool check_holder(const struct request *request) {
    bool dot = request->format->write == NULL;
    if (dot && request->holder == 0)
        fputs("holdfast: --format dot needs --holder N, as the text report numbers holders\n",
              stderr);
    else if (!dot && request->holder > 0)
        fprintf(stderr, "holdfast: --holder goes with --format dot, not with %s\n",
                request->format->name);
    return dot == (request->holder > 0);
}

static bool check_output(const struct request *request) {
    if (target_is_input(request->output, request->file)) {
        fprintf(stderr, "holdfast: --output %s is the profile itself\n", request->output);
        return false;
    }
    if (request->format->binary && !request->output && isatty(STDOUT_FILENO)) {
        fprintf(stderr, "holdfast: %s is not for a terminal: name a file with -o\n",
                request->format->name);
        return false;
    }
    return true;
}

/* Without --format the output's name says what to write, if it says anything. */
static void settle_format(struct request *request) {
    if (!request->format && request->output)
        request->format = formats_for_file(request->output);
    if (!request->format)
        request->format = formats_default();
}

static bool take_option(void *context, int key, const char *value) {
    struct request *request = context;
    switch (key) {
    case 'f':
        return set_format(request, value);
    case 'p':
        return set_pid(request, value);
    case FRAMES:
        return set_frames(request, value);
    case VIEW:
        return set_view(request, value);
    case HOLDER:
        return set_holder(request, value);
    case REGION:
        request->region = value;
        return true;
    case 'o':
        request->output = value;
        return true;
    default:
        request->snapshot = value;
        return true;
    }
}

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct request *request) {
    int status = options_read(&command_report, argc, argv, take_option, request);
    if (status >= 0)
        return status;
    if (optind + 1 != argc) {
        fputs(optind == argc ? "holdfast: which profile? holdfast report FILE\n"
                             : "holdfast: one profile at a time: holdfast report FILE\n",
              stderr);
        return EXIT_MISUSE;
    }
    if (request->region && request->snapshot) {
        fputs("holdfast: a --region has its own snapshot; leave --snapshot out\n", stderr);
        return EXIT_MISUSE;
    }
    request->file = argv[optind];
    settle_format(request);
    bool good = check_view(request) && check_holder(request) && check_output(request);
    return good ? -1 : EXIT_MISUSE;
}

/* An exec keeps the pid: the image with the highest peak is meant. */
static bool find_process(const struct profile *profile, long pid, uint32_t *process) {
    *process = PROFILE_TREE;
    for (uint32_t i = 0; pid >= 0 && i < profile->process_count; i++)
        if ((long)profile->processes[i].pid == pid &&
            (*process == PROFILE_TREE ||
             profile->processes[i].peak_bytes > profile->processes[*process].peak_bytes))
            *process = i;
    return pid < 0 || *process != PROFILE_TREE;
}

static bool find_snapshot(const struct request *request, const struct profile *profile,
                          uint32_t process) {
    char *names = NULL;
    size_t size = 0;
    if (!request->snapshot || report_has_snapshot(profile, process, request->snapshot))
        return true;
    FILE *out = open_memstream(&names, &size);
    if (out)
        report_put_snapshot_names(profile, process, out);
    bool good = out && fclose(out) == 0 && *names;
    fputs("holdfast: no --snapshot '", stderr);
    format_escaped(stderr, request->snapshot, "'", 60);
    fprintf(stderr, "' in %s: it has %s\n", request->file, good ? names : "none with a name");
    free(names);
    return false;
}

/* The graph around a holder, as text to be freed; NULL after a message. It is made before the
 * output is opened: there may be no such holder. */
static char *draw(const struct profile *profile, const struct report_options *options) {
    struct profile_error error = {"out of memory"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool good = out && report_dot(profile, options, out, &error);
    if (out && fclose(out) == 0 && good)
        return text;
    fprintf(stderr, "holdfast: %s\n", error.text[0] ? error.text : "out of memory");
    free(text);
    return NULL;
}

/* `drawn`: what to write in place of a report; NULL. */
static bool write_report(const struct request *request, const struct profile *profile,
                         const struct report_options *options, const char *drawn,
                         const char *name) {
    struct target target;
    if (!target_open(&target, name))
        return false;
    return target_close(&target, drawn ? fputs(drawn, target.file) != EOF
                                       : request->format->write(profile, options, target.file));
}

static int show(const struct request *request, const struct profile *profile,
                const struct region_view *view) {
    struct report_options options = {.process = PROFILE_TREE,
                                     .width = report_width(stdout),
                                     .lines = REPORT_LINES,
                                     .snapshot = request->snapshot,
                                     .about = request->view,
                                     .region = view ? view->name : NULL,
                                     .region_drag = view ? view->drag : NULL,
                                     .findings = view ? view->findings : NULL,
                                     .view = request->frames,
                                     .holder = request->holder};
    if (!view && !find_process(profile, request->pid, &options.process)) {
        fprintf(stderr, "holdfast: no process %ld in %s\n", request->pid, request->file);
        return EXIT_MISUSE;
    }
    if (!find_snapshot(request, profile, options.process))
        return EXIT_MISUSE;
    char *drawn = request->holder > 0 ? draw(profile, &options) : NULL;
    if (request->holder > 0 && !drawn)
        return EXIT_MISUSE;
    bool page = request->format->write == report_page && !request->output && isatty(STDOUT_FILENO);
    char *name = page ? page_file_name(request->file) : NULL;
    bool good = (name || !page) &&
                write_report(request, profile, &options, drawn, page ? name : request->output);
    if (good && page)
        fprintf(stderr, "holdfast: wrote %s\n", name);
    free(name);
    free(drawn);
    return good ? 0 : 1;
}

/* All of the profile, or what belongs to one region. */
static int show_part(const struct request *request, const struct profile *profile) {
    uint32_t process = PROFILE_TREE, region;
    if (!request->region || !find_process(profile, request->pid, &process))
        return show(request, profile, NULL);
    region = region_find(profile, process, request->region);
    if (region == REGION_NONE) {
        fputs("holdfast: no region '", stderr);
        format_escaped(stderr, request->region, "'", 60);
        fprintf(stderr, "' in %s; the report says which there are\n", request->file);
        return EXIT_MISUSE;
    }
    struct region_view *view = region_view_open(profile, region);
    if (!view) {
        fputs("holdfast: out of memory\n", stderr);
        return 1;
    }
    int status = show(request, &view->profile, view);
    region_view_close(view);
    return status;
}

static int report_main(int argc, char **argv) {
    struct request request = {.pid = -1};
    int status = read_options(argc, argv, &request);
    if (status >= 0)
        return status;
    struct profile_error error;
    struct profile *profile = profile_read(request.file, &error);
    if (!profile) {
        fprintf(stderr, "holdfast: %s\n", error.text);
        return EXIT_MISUSE;
    }
    bool page = request.format->write == report_page;
    if (view_take(profile, page ? VIEW_ALL : request.frames)) {
        status = show_part(&request, profile);
    } else {
        fputs("holdfast: out of memory\n", stderr);
        status = 1;
    }
    profile_free(profile);
    return status;
}

const struct command command_report = {
    .name = "report",
    .summary = "show a profile: as text, a page, JSON, or for other tools",
    .usage = "[options] FILE",
    .about = "Show the peak that a profile holds: who held the memory, and which call stacks "
             "allocated it.\n",
    .options = rows,
    .operand_completes = COMPLETES_PROFILE,
    .main = report_main,
};

/* See collector.h. One thread does all the work: joins, the ends of processes and the launcher come
 * through epoll; the rings are looked at in between, more often the more they hold. */
#include "collector.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "drain.h"
#include "finish.h"
#include "join.h"
#include "output.h"
#include "procfs.h"
#include "rest.h"

#define PAUSE_LEAST_NS 200000u
#define PAUSE_FLOWING_NS 1000000u
#define PAUSE_IDLE_NS 5000000u
#define PAUSE_REST_NS 50000000u
/* For how long nothing must have come, and no process have grown or shrunk, before it rests. */
#define QUIET_NS 1000000000u
#define MUCH_BYTES (256u << 10)
#define SOME_BYTES (16u << 10)
#define LARGE_MEMORY (256 << 10)

/* How long processes that outlive the command may take to end before it counts as ended without
 * them (multiprocessing's helpers end a little later than their parent). */
#define GRACE_NS 100000000u
/* How long the end of the command may be held up by records that are not committed. */
#define DRAIN_PATIENCE_NS 3000000000u

struct collector {
    const struct collector_options *options;
    struct join_point point;
    struct trace trace;
    struct output output;
    struct finish_facts facts;
    int epoll;
    int control; /* -1 once there is nobody to talk to */
    struct rest rest;
    uint64_t pause_ns;
    uint64_t quiet_since_ns, quiet_rss; /* what all processes together had then */
    bool command_ended;                 /* or the launcher is gone */
    bool stopped;                       /* a ceiling was passed, and nothing is to go on */
    uint64_t ended_ns;
};

/* Answers to a control message go to a launcher that may be gone. */
static void tell(struct collector *collector, enum control_kind kind, uint32_t running,
                 const char *text) {
    struct control_message message = {.kind = kind, .running = running};
    snprintf(message.text, sizeof message.text, "%s", text);
    if (collector->control >= 0)
        send(collector->control, &message, sizeof message, MSG_NOSIGNAL);
}

static void detach_from_launcher(int *control) {
    int null = open("/dev/null", O_RDWR);
    setsid();
    prctl(PR_SET_NAME, "holdfast");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a failed write */
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    *control = dup3(*control, 3, O_CLOEXEC) == 3 || *control == 3 ? 3 : *control;
    if (*control == 3)
        syscall(SYS_close_range, 4u, ~0u, 0u);
    else
        close(null);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool watch(struct collector *collector, int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(collector->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool keep_events(struct collector *collector) {
    int fd = output_scratch(&collector->output);
    if (fd < 0)
        return false;
    collector->trace.events = events_open(fd, &collector->trace.stubs);
    collector->trace.keeps_stubs |= collector->trace.events != NULL;
    if (!collector->trace.events)
        close(fd);
    return collector->trace.events != NULL;
}

/* Where all memory is promised at once, a page of a ring that was given back may not be had again,
 * and whoever writes to it is killed. */
static bool memory_is_strict(void) {
    char mode = 0;
    int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && read(fd, &mode, 1) == 1;
    if (fd >= 0)
        close(fd);
    return !known || mode == '2';
}

static bool collector_open(struct collector *collector) {
    struct profile_error error;
    if (!output_open(&collector->output, collector->options->output, &error)) {
        tell(collector, CONTROL_REFUSED, 0, error.text);
        return false;
    }
    if (chdir("/") != 0)
        return false;
    collector->epoll = collector->point.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct session_page *page = join_open(&collector->point);
    if (page) {
        page->holders = collector->options->holders;
        page->native = collector->options->native;
        page->refs = collector->options->refs;
        page->lifetimes = collector->options->lifetimes;
        page->drag = collector->options->drag;
        page->strict = memory_is_strict();
        page->ceiling = collector->options->ceiling;
        page->watch = collector->options->watch;
    }
    if (page)
        rest_open(&collector->rest, page);
    if (collector->epoll < 0 || !page || !trace_init(&collector->trace, page) ||
        !watch(collector, collector->point.listener, &collector->point) ||
        !watch(collector, collector->control, &collector->control)) {
        char text[256];
        snprintf(text, sizeof text, "the collector cannot start: %s", strerror(errno));
        tell(collector, CONTROL_REFUSED, 0, text);
        return false;
    }
    if (collector->options->keep_events && !keep_events(collector))
        trace_warn(&collector->trace, "the event stream cannot be kept: %s", strerror(errno));
    char session[JOIN_NAME_MAX + JOIN_TOKEN_SIZE + 2];
    snprintf(session, sizeof session, "%s:%s", collector->point.name, collector->point.token);
    tell(collector, CONTROL_READY, 0, session);
    collector->point.filters = procfs_filters((uint32_t)getpid());
    return true;
}

static void command_ended(struct collector *collector) {
    if (!collector->command_ended)
        collector->ended_ns = trace_clock(&collector->trace);
    collector->command_ended = true;
}

/* The launcher needs no more answers: keep nothing of its open. */
static void part_from_launcher(struct collector *collector) {
    if (collector->control < 0)
        return;
    close(collector->control);
    collector->control = -1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
        close(null);
    }
}

static void read_control(struct collector *collector) {
    struct control_message message;
    ssize_t got = recv(collector->control, &message, sizeof message, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got != (ssize_t)sizeof message) {
        part_from_launcher(collector);
        command_ended(collector);
        return;
    }
    collector->facts.main_pid = (uint32_t)message.pid;
    if (message.kind == CONTROL_STARTED) {
        collector->point.first_pid = message.pid;
    } else if (message.kind == CONTROL_ENDED) {
        collector->facts.has_status = true;
        collector->facts.status = message.status;
        command_ended(collector);
    }
}

static void process_ended(struct collector *collector, struct image *image) {
    if (image->pidfd >= 0)
        epoll_ctl(collector->epoll, EPOLL_CTL_DEL, image->pidfd, NULL);
    image_die(&collector->trace, image);
}

static void wait_for_events(struct collector *collector) {
    struct pollfd poll_all = {.fd = collector->epoll, .events = POLLIN};
    struct timespec pause = {.tv_nsec = (long)collector->pause_ns};
    bool rests = collector->pause_ns > PAUSE_IDLE_NS;
    int ready =
        rests ? rest_poll(&collector->rest, &poll_all, &pause) : ppoll(&poll_all, 1, &pause, NULL);
    if (ready <= 0)
        return;
    struct epoll_event events[64];
    int count = epoll_wait(collector->epoll, events, 64, 0);
    bool join = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &collector->control)
            read_control(collector);
        else if (events[i].data.ptr == &collector->point)
            join = true;
        else
            process_ended(collector, events[i].data.ptr);
    }
    if (join)
        join_serve(&collector->point, &collector->trace);
}

static uint64_t rss_of_all(const struct trace *trace) {
    uint64_t rss = 0;
    for (uint32_t i = 0; i < trace->image_count; i++)
        rss += trace->images[i]->dead ? 0 : trace->images[i]->rss;
    return rss;
}

/* Times are told to within the pause: not where lifetimes and drag are asked for. Nor may what
 * passes a ceiling go on for so long. */
static bool may_rest(const struct collector *collector) {
    const struct collector_options *options = collector->options;
    return rest_is_open(&collector->rest) && !collector->command_ended && !options->lifetimes &&
           !options->drag && !options->kill_tree && !options->kill_process &&
           !collector->point.callers.count;
}

static bool is_quiet(struct collector *collector, bool flows) {
    uint64_t now = trace_clock(&collector->trace);
    uint64_t rss = flows ? 0 : rss_of_all(&collector->trace);
    if (flows || rss != collector->quiet_rss) {
        collector->quiet_since_ns = now;
        collector->quiet_rss = rss;
    }
    return now - collector->quiet_since_ns > QUIET_NS;
}

/* `watching`: a collection is running, during which no events need come. */
static void choose_pause(struct collector *collector, uint64_t bytes, bool watching) {
    bool quiet = is_quiet(collector, bytes || watching) && may_rest(collector);
    uint64_t most = bytes || watching ? PAUSE_FLOWING_NS : quiet ? PAUSE_REST_NS : PAUSE_IDLE_NS;
    if (bytes >= MUCH_BYTES)
        collector->pause_ns = 0;
    else if (bytes >= SOME_BYTES)
        collector->pause_ns = PAUSE_LEAST_NS;
    else
        collector->pause_ns += collector->pause_ns / 2 + PAUSE_LEAST_NS;
    if (collector->pause_ns > most)
        collector->pause_ns = most;
}

static void add_last_warnings(struct collector *collector) {
    struct trace *trace = &collector->trace;
    uint32_t unjoined = atomic_load(&trace->page->unjoined);
    if (unjoined)
        trace_warn(trace, "%u forked processes " PROFILE_NOT_FOLLOWED, unjoined);
    if (trace->stacks.full)
        trace_warn(trace, PROFILE_STACKS_CUT ": some are cut short");
}

static void tell_slow(void *context) {
    tell(context, CONTROL_BUSY, 0, "naming native frames ...");
}

/* `problem`: why the profile was not written, or not where it should be; empty: none. */
static void tell_outcome(struct collector *collector, bool written, const char *problem) {
    for (uint32_t i = 0; i < collector->trace.warning_count; i++)
        tell(collector, CONTROL_WARNING, 0, collector->trace.warnings[i]);
    if (!written) {
        tell(collector, CONTROL_FAILED, 0, problem);
        return;
    }
    if (problem[0]) {
        char text[4096];
        snprintf(text, sizeof text,
                 "the profile could not be written where it should be (%.400s); it is %.3500s",
                 problem, collector->output.path);
        tell(collector, CONTROL_MOVED, 0, text);
    }
    tell(collector, CONTROL_WRITTEN, collector->trace.living, collector->output.path);
}

/* Writes the profile of what is known so far and tells the launcher. */
static int write_profile(struct collector *collector) {
    struct profile profile;
    struct profile_error error = {{0}};
    add_last_warnings(collector);
    FILE *events = NULL;
    bool events_left_out = false;
    struct finish_facts facts = collector->facts;
    facts.slow = tell_slow;
    facts.slow_context = collector;
    bool built = finish_build(&collector->trace, &facts, &profile, &events);
    bool written =
        built && output_write(&collector->output, &profile, events, &events_left_out, &error);
    if (events)
        events_resume(collector->trace.events);
    if (events_left_out)
        trace_warn(&collector->trace,
                   "the event stream did not fit on the disk beside the profile");
    tell_outcome(collector, written, built ? error.text : "out of memory");
    finish_release(&profile); /* only now: the launcher waits for what it is told */
    return written ? 0 : 1;
}

/* What has only been found for this one's sake is not said again at the end. */
static void forget_warnings(struct trace *trace, uint32_t count) {
    while (trace->warning_count > count)
        free(trace->warnings[--trace->warning_count]);
}

/* A stream of its own for a file that somebody gave. Writing to anything else could wait for ever,
 * and all processes with it. */
static FILE *reopen(int target) {
    struct stat status;
    if (fstat(target, &status) != 0)
        return NULL;
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return NULL;
    }
    int fd = fcntl(target, F_DUPFD_CLOEXEC, 0);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!file && fd >= 0) {
        int error = errno;
        close(fd);
        errno = error;
    }
    return file;
}

/* For one who asks while the run goes on: without the event stream, and nothing is told to the
 * launcher. 0 or an errno value. */
static int write_so_far(void *context, int target) {
    struct collector *collector = context;
    struct trace *trace = &collector->trace;
    struct profile profile;
    struct profile_error error = {{0}};
    struct events *events = trace->events;
    FILE *none = NULL, *out = reopen(target);
    uint32_t warnings = trace->warning_count;
    if (!out)
        return errno;
    trace->events = NULL;
    add_last_warnings(collector);
    bool built = finish_build(trace, &collector->facts, &profile, &none);
    bool written = built && profile_write(&profile, NULL, out, &error);
    finish_release(&profile);
    trace->events = events;
    forget_warnings(trace, warnings);
    written = fclose(out) == 0 && written;
    return written ? 0 : built ? ENOSPC : ENOMEM;
}

/* Whoever is already at the door counts as joined. */
static bool session_is_over(struct collector *collector) {
    if (!collector->command_ended || collector->trace.living || !drain_is_done(&collector->trace))
        return false;
    join_serve(&collector->point, &collector->trace);
    return collector->trace.living == 0 &&
           !callers_pending(&collector->point.callers, &collector->trace);
}

static bool ended_images_are_drained(const struct trace *trace) {
    for (uint32_t i = 0; i < trace->image_count; i++)
        if (trace->images[i]->dead && trace->images[i]->state != IMAGE_ENDED)
            return false;
    return true;
}

/* The command has ended, but processes that it started run on: the user gets what there is. */
static void report_early(struct collector *collector) {
    if (!collector->command_ended || collector->control < 0)
        return;
    uint64_t since = trace_clock(&collector->trace) - collector->ended_ns;
    if (since < GRACE_NS ||
        (since < DRAIN_PATIENCE_NS && !ended_images_are_drained(&collector->trace)) ||
        callers_pending(&collector->point.callers, &collector->trace))
        return;
    write_profile(collector);
    part_from_launcher(collector);
}

/* What passed a ceiling that stops the program, in bytes; 0: nothing did. */
static uint64_t find_excess(const struct collector *collector) {
    const struct collector_options *options = collector->options;
    const struct trace *trace = &collector->trace;
    if (options->kill_tree && trace->totals.peak > options->kill_tree)
        return trace->totals.peak;
    for (uint32_t i = 0; options->kill_process && i < trace->image_count; i++)
        if (trace->images[i]->totals.peak > options->kill_process)
            return trace->images[i]->totals.peak;
    return 0;
}

static void kill_image(const struct image *image) {
    if (image->dead)
        return;
    if (image->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, image->pidfd, SIGKILL, NULL, 0);
    else
        kill((pid_t)image->pid, SIGKILL);
}

/* Again in each pass: there may be children that have just joined. */
static void enforce_ceilings(struct collector *collector) {
    uint64_t excess = collector->stopped ? 0 : find_excess(collector);
    if (excess > 0) {
        struct control_message message = {.kind = CONTROL_STOPPED, .bytes = excess};
        collector->stopped = true;
        if (collector->control >= 0)
            send(collector->control, &message, sizeof message, MSG_NOSIGNAL);
    }
    for (uint32_t i = 0; collector->stopped && i < collector->trace.image_count; i++)
        kill_image(collector->trace.images[i]);
}

int collector_main(const struct collector_options *options) {
    struct collector collector = {.options = options, .control = options->control};
    collector.point.follow = options->follow;
    collector.point.callers.write_profile = write_so_far;
    collector.point.callers.context = &collector;
    collector.facts.command = options->command;
    detach_from_launcher(&collector.control);
    /* What is large goes back to the system when it is freed, whatever was freed before. */
    mallopt(M_MMAP_THRESHOLD, LARGE_MEMORY);
    if (!collector_open(&collector))
        return 1;
    while (!session_is_over(&collector)) {
        wait_for_events(&collector);
        uint64_t bytes = drain_pass(&collector.trace);
        enforce_ceilings(&collector);
        callers_serve(&collector.point.callers, &collector.trace);
        procfs_sample(&collector.trace);
        looks_take(&collector.trace);
        choose_pause(&collector, bytes, collections_watch(&collector.trace));
        report_early(&collector);
    }
    collector.facts.last = true;
    if (collector.trace.image_count)
        return write_profile(&collector);
    tell(&collector, CONTROL_FAILED, 0, "the command never loaded Holdfast's library");
    return 1;
}

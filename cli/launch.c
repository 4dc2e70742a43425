/* See launch.h. */
#include "launch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../collector/collector.h"
#include "../collector/control.h"
#include "../viewer/report.h"
#include "../wire/session.h"
#include "command.h"
#include "page_file.h"

#define EXIT_CANNOT_EXEC 126

/* The launcher keeps these from acting on itself while the program runs. What the terminal sends
 * reaches the program by itself; what a process sends to the launcher is passed on. */
static const int ignored[] = {SIGTSTP, SIGTTIN, SIGTTOU};
static const int forwarded[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct run {
    const struct launch *launch;
    int control;
    pid_t collector, program;
    int status;      /* the program's, as wait(2) gives it */
    bool *never_ran; /* exec failed, which its child has said; in shared memory */
    sigset_t old_mask, waited;
    struct sigaction old_ignored[COUNT(ignored)], old_child;
};

static void signals_take(struct run *run) {
    struct sigaction ignore = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL};
    sigemptyset(&run->waited);
    sigaddset(&run->waited, SIGCHLD);
    sigaddset(&run->waited, SIGCONT);
    /* Also those that are ignored here (a shell's background jobs have that): the program may
     * handle them all the same, and else ignores them as well. */
    for (size_t i = 0; i < COUNT(forwarded); i++)
        sigaddset(&run->waited, forwarded[i]);
    sigprocmask(SIG_BLOCK, &run->waited, &run->old_mask);
    for (size_t i = 0; i < COUNT(ignored); i++)
        sigaction(ignored[i], &ignore, &run->old_ignored[i]);
    /* With SIGCHLD ignored (inherited), wait would find nothing. */
    sigaction(SIGCHLD, &normal, &run->old_child);
}

static void signals_give_back(const struct run *run) {
    for (size_t i = 0; i < COUNT(ignored); i++)
        sigaction(ignored[i], &run->old_ignored[i], NULL);
    sigaction(SIGCHLD, &run->old_child, NULL);
    sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
}

/* An impatient Ctrl-C, once the program has ended, must not cost its status. One that is pending is
 * forgotten. */
static void interrupts_ignore(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &ignore, NULL);
    sigaction(SIGQUIT, &ignore, NULL);
}

static bool start_collector(struct run *run) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    fflush(NULL);
    run->collector = fork();
    if (run->collector == 0) {
        close(ends[0]);
        signals_give_back(run);
        struct collector_options options = {.output = run->launch->output,
                                            .follow = run->launch->follow,
                                            .keep_events = run->launch->keep_events,
                                            .holders = run->launch->holders,
                                            .native = run->launch->native,
                                            .refs = run->launch->refs,
                                            .lifetimes = run->launch->lifetimes,
                                            .drag = run->launch->drag,
                                            .ceiling = run->launch->ceiling,
                                            .watch = run->launch->watch,
                                            .kill_tree = run->launch->kill_tree,
                                            .kill_process = run->launch->kill_process,
                                            .command = run->launch->command,
                                            .control = ends[1]};
        _exit(collector_main(&options));
    }
    close(ends[1]);
    run->control = ends[0];
    return run->collector > 0;
}

/* The next message, false when the collector is gone. */
static bool receive(struct run *run, struct control_message *message) {
    ssize_t got;
    do
        got = recv(run->control, message, sizeof *message, 0);
    while (got < 0 && errno == EINTR);
    message->text[sizeof message->text - 1] = '\0';
    return got == (ssize_t)sizeof *message;
}

static void tell_collector(struct run *run, enum control_kind kind) {
    struct control_message message = {.kind = kind, .pid = run->program, .status = run->status};
    send(run->control, &message, sizeof message, MSG_NOSIGNAL);
}

static bool set_environment(const struct launch *launch, const char *session) {
    const char *existing = getenv("LD_PRELOAD");
    char *preload;
    if (asprintf(&preload, "%s%s%s", launch->library, existing && *existing ? ":" : "",
                 existing && *existing ? existing : "") < 0)
        return false;
    bool set = setenv("LD_PRELOAD", preload, 1) == 0 && setenv(SESSION_ENV, session, 1) == 0;
    free(preload);
    return set;
}

static int execute(const struct launch *launch) {
    /* Found by PATH again, and a script without "#!" goes to the shell, as anywhere else. */
    execvp(launch->command[0], launch->command);
    int why = errno;
    fprintf(stderr, "holdfast: cannot run %s: %s\n", launch->command[0], strerror(why));
    return why == ENOENT || why == ENOEXEC ? EXIT_MISUSE : EXIT_CANNOT_EXEC;
}

int launch_untraced(const struct launch *launch) {
    return execute(launch);
}

/* Where Yama lets only ancestors read a process's memory, the collector, which is a sibling, may
 * read this one's (collections.h). That is the task's, so it stays over exec; children that the
 * program forks do not have it. Without Yama there is no such call, and no need. */
static void let_collector_read(const struct run *run) {
    prctl(PR_SET_PTRACER, (unsigned long)run->collector, 0, 0, 0);
}

static bool start_program(struct run *run, const char *session) {
    run->never_ran = mmap(NULL, sizeof *run->never_ran, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->never_ran == MAP_FAILED)
        return false;
    run->program = fork();
    if (run->program == 0) {
        signals_give_back(run);
        let_collector_read(run);
        if (!set_environment(run->launch, session))
            _exit(EXIT_CANNOT_EXEC);
        int status = execute(run->launch);
        *run->never_ran = true;
        _exit(status);
    }
    return run->program > 0;
}

/* The program's state as wait has it; false while it runs. */
static bool program_has_ended(struct run *run) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WUNTRACED | WNOHANG)) > 0) {
        if (pid == run->collector)
            run->collector = 0;
        if (pid != run->program)
            continue;
        if (WIFSTOPPED(status)) {
            kill(getpid(), SIGSTOP);
            kill(run->program, SIGCONT);
            continue;
        }
        run->status = status;
        return true;
    }
    return false;
}

static void wait_for_program(struct run *run) {
    while (!program_has_ended(run)) {
        siginfo_t info;
        int signal_number = sigwaitinfo(&run->waited, &info);
        /* What the kernel sends (a hang-up) goes to the whole process group, program included. */
        if (signal_number > 0 && signal_number != SIGCHLD && info.si_code <= 0)
            kill(run->program, signal_number);
    }
}

static void say(const struct run *run, const char *text) {
    if (!run->launch->quiet)
        fprintf(stderr, "holdfast: %s\n", text);
}

/* NULL: none is to be written. */
static char *choose_page(const char *profile) {
    char *name = page_file_name(profile);
    if (!name || page_file_is_free(name))
        return name;
    fprintf(stderr, "holdfast: %s is not a page of Holdfast's and is left as it is\n", name);
    free(name);
    return NULL;
}

static void show_profile(const struct launch *launch, const struct launched *launched) {
    if (launch->quiet || !launched->has_profile)
        return;
    char *page = launch->page ? choose_page(launched->profile) : NULL;
    report_summary(launched->profile, page, stderr);
    if (launched->running)
        fprintf(stderr,
                "holdfast: %u of its processes still run; the profile%s is brought up to date when "
                "they have ended\n",
                launched->running, page ? ", not the page," : "");
    free(page);
}

/* Whatever the collector still has to say, until the profile is there. */
static void wait_for_collector(struct run *run, struct launched *launched) {
    struct control_message message;
    while (receive(run, &message)) {
        if (message.kind == CONTROL_WARNING) {
            say(run, message.text);
        } else if (message.kind == CONTROL_MOVED) {
            fprintf(stderr, "holdfast: %s\n", message.text);
        } else if (message.kind == CONTROL_BUSY) {
            if (isatty(STDERR_FILENO))
                say(run, message.text);
        } else if (message.kind == CONTROL_STOPPED) {
            launched->stopped_bytes = message.bytes;
        } else if (message.kind == CONTROL_WRITTEN) {
            launched->has_profile = true;
            launched->running = message.running;
            memcpy(launched->profile, message.text, sizeof launched->profile);
            return;
        } else if (message.kind == CONTROL_FAILED) {
            if (!*run->never_ran)
                fprintf(stderr, "holdfast: no profile was written: %s\n", message.text);
            return;
        }
    }
    fprintf(stderr, "holdfast: the collector was killed, so no profile was written\n");
}

/* Ends this process as the program ended. A core was dumped once already, if at all. */
static int end_alike(int status) {
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    int signal_number = WTERMSIG(status);
    struct rlimit no_core = {0};
    struct sigaction normal = {.sa_handler = SIG_DFL};
    sigset_t just_this;
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_DUMPABLE, 0);
    sigaction(signal_number, &normal, NULL);
    sigemptyset(&just_this);
    sigaddset(&just_this, signal_number);
    sigprocmask(SIG_UNBLOCK, &just_this, NULL);
    raise(signal_number);
    return 128 + signal_number;
}

int launch_program(const struct launch *launch, struct launched *launched) {
    struct run run = {.launch = launch};
    struct control_message message;
    signals_take(&run);
    if (!start_collector(&run) || !receive(&run, &message)) {
        fprintf(stderr, "holdfast: cannot start the collector: %s\n", strerror(errno));
        return EXIT_MISUSE;
    }
    if (message.kind != CONTROL_READY) {
        fprintf(stderr, "holdfast: %s\n", message.text);
        return EXIT_MISUSE;
    }
    if (!start_program(&run, message.text)) {
        fprintf(stderr, "holdfast: cannot start a process: %s\n", strerror(errno));
        return EXIT_MISUSE;
    }
    tell_collector(&run, CONTROL_STARTED);
    wait_for_program(&run);
    tell_collector(&run, CONTROL_ENDED);
    interrupts_ignore();
    sigprocmask(SIG_SETMASK, &run.old_mask, NULL);
    *launched = (struct launched){.status = run.status};
    wait_for_collector(&run, launched);
    return -1;
}

int launch_traced(const struct launch *launch) {
    static struct launched launched;
    int status = launch_program(launch, &launched);
    if (status >= 0)
        return status;
    show_profile(launch, &launched);
    return end_alike(launched.status);
}

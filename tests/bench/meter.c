/* meter FILE SECONDS COMMAND...: runs a command and writes what it and everything it leaves behind
 * took.
 *
 * wait4 gives a process's use together with that of the children it waited for. What a command
 * leaves behind (a profiler's collector in a session of its own, say) would be missing; this
 * program takes in orphans, so that each is waited for here and gets a line of its own. It is
 * small, because a process inherits the peak of the memory of the one that forked it.
 *
 * Writes a line "wall SECONDS STATUS" when the command itself has ended, and for each process
 * reaped here "command|orphan NAME SECONDS_USER SECONDS_SYSTEM PEAK_KIB". STATUS is as wait(2) has
 * it; -1 when time ran out and the command's process group was killed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;
static pid_t command;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* What survives the first alarm is not waited for after the second. */
static void on_alarm(int number) {
    (void)number;
    alarms = alarms + 1;
    kill(-command, SIGKILL);
    alarm(10);
}

static void start(char **argv) {
    command = fork();
    if (command == 0) {
        setpgid(0, 0);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    setpgid(command, command);
}

/* The name is there as long as the process has not been waited for. */
static void name_of(pid_t pid, char *name, int size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *comm = fopen(path, "r");
    if (!comm || !fgets(name, size, comm))
        strcpy(name, "?");
    name[strcspn(name, "\n ")] = '\0';
    if (comm)
        fclose(comm);
}

static void reap(FILE *file, pid_t pid, double wall) {
    char name[32];
    struct rusage usage;
    int status;
    name_of(pid, name, sizeof name);
    if (wait4(pid, &status, __WALL, &usage) != pid)
        return;
    if (pid == command)
        fprintf(file, "wall %.6f %d\n", wall, alarms ? -1 : status);
    fprintf(file, "%s %s %.6f %.6f %ld\n", pid == command ? "command" : "orphan", name,
            seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss);
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    FILE *file = fopen(argv[1], "w");
    if (!file || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 2;
    struct sigaction act = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &act, NULL);
    double began = now();
    start(argv + 3);
    alarm((unsigned)atoi(argv[2]));

    for (;;) {
        siginfo_t ended;
        if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT | __WALL) == 0)
            reap(file, ended.si_pid, now() - began);
        else if (errno != EINTR || alarms >= 2)
            break;
    }
    return fclose(file) != 0;
}

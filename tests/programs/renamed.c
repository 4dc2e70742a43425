/* A process that gives its thread another name right before it forks: the child must not write
 * where its parent does, whatever state the renaming has left the thread in. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void keep(long count, size_t size) {
    for (long i = 0; i < count; i++) {
        char *block = malloc(size);
        if (!block)
            abort();
        memset(block, 1, size);
    }
}

int main(void) {
    keep(1000, 1000);
    prctl(PR_SET_NAME, "renamed");
    pid_t child = fork();
    if (child == 0) {
        keep(500, 3000);
        _exit(0);
    }
    int status;
    return waitpid(child, &status, 0) != child || status != 0;
}

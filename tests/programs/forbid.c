/* Runs a command in which a system call fails: forbid ERRNO CALL [ZERO] COMMAND...
 *
 * Both are numbers. With "0" as a third, only calls whose first argument is 0 fail. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    unsigned error = (unsigned)atoi(argv[1]), call = (unsigned)atoi(argv[2]);
    int zero = strcmp(argv[3], "0") == 0;
    struct sock_filter code[] = {
        LOAD(nr),
        SKIP_UNLESS(call, 3),
        LOAD(args[0]),
        SKIP_UNLESS(0, zero ? 1 : 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        perror("forbid");
        return 2;
    }
    execvp(argv[3 + zero], argv + 3 + zero);
    perror(argv[3 + zero]);
    return 127;
}

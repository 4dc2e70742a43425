/* How a process joins a session: one request and one reply over an abstract SOCK_SEQPACKET socket.
 *
 * A new process image finds the socket's name and the token in SESSION_ENV; a forked child
 * remembers both. The reply carries descriptors (SCM_RIGHTS) that the process maps and closes at
 * once: programs close descriptors that they do not know. The collector takes the process's id from
 * SO_PEERCRED, which is right also across pid namespaces.
 */
#ifndef HOLDFAST_WIRE_JOIN_H
#define HOLDFAST_WIRE_JOIN_H

#include <stdint.h>

#define JOIN_TOKEN_SIZE 32u /* hexadecimal characters, no NUL */
#define JOIN_NAME_MAX 64u   /* bytes of the abstract name, without its leading NUL */

enum join_kind {
    JOIN_IMAGE = 1, /* a new process image (the first, or after exec) */
    JOIN_FORK = 2,  /* a forked child; `process` is its parent's number */
    JOIN_RINGS = 3, /* one more region of rings for process `process` */
};

struct join_request {
    uint32_t version; /* WIRE_VERSION */
    uint32_t kind;    /* enum join_kind */
    uint32_t process; /* see join_kind; 0 for an image */
    uint32_t pid;     /* as the process sees itself */
    char token[JOIN_TOKEN_SIZE];
};

/* Descriptors: JOIN_IMAGE gets the session page and a region; JOIN_FORK too; JOIN_RINGS a region.
 */
struct join_reply {
    uint32_t version;
    uint32_t status;  /* 0 taken; otherwise an errno value, and no descriptors */
    uint32_t process; /* the number in the session */
    uint32_t reserved;
};

#endif

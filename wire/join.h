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
    /* From a disposable copy of process `process`: it has a heap graph to tell, of snapshot
     * `snapshot`. Answered once the collector has processed the EVENT_SNAPSHOT, so that the list of
     * large blocks is that moment's. The copy writes the stream (wire/graph.h) into the second
     * descriptor and shuts the connection down: that is its end. */
    JOIN_GRAPH = 4,
    JOIN_SNAPSHOT = 5, /* from `holdfast snapshot`: process with id `pid` shall take one, named by
                          the text that follows the request (at most SNAPSHOT_NAME_MAX bytes). The
                          reply comes when its graph has arrived, or with an error. */
    /* From `holdfast snapshot --output`: the profile of the run so far shall be written into the
     * descriptor that comes with the request. The reply comes when it is there. */
    JOIN_PROFILE = 6,
    /* From process `process`, which has written the MARK_LIVING of question `snapshot`. Answered
     * once the collector has processed that. */
    JOIN_LIVING = 7,
};

/* The descriptor of a JOIN_LIVING's reply, a sealed memfd, is an array of addresses: every live
 * block of Python's, in no order. In the bits from here on the process writes the number that the
 * object's type has (MARK_TYPE), as far as it has one. */
#define LIVING_TYPE_SHIFT 48u

#define SNAPSHOT_NAME_MAX 64u

/* The first descriptor of a JOIN_GRAPH's reply, a sealed memfd, is an array of these, by rising
 * address: every live block of GRAPH_LARGE_BLOCK bytes and more, counted mappings too. */
struct large_block {
    uint64_t address, size;
};

struct join_request {
    uint32_t version;  /* WIRE_VERSION */
    uint32_t kind;     /* enum join_kind */
    uint32_t process;  /* see join_kind; 0 for an image */
    uint32_t pid;      /* as the process sees itself */
    uint32_t snapshot; /* JOIN_GRAPH: its number; JOIN_LIVING: the question's */
    uint32_t reserved;
    char token[JOIN_TOKEN_SIZE];
};

/* Descriptors: JOIN_IMAGE gets the session page and a region, and with session_page.refs memory for
 * counts of references (wire/references.h); JOIN_FORK too; JOIN_RINGS a region; JOIN_GRAPH the list
 * of large blocks and the stream's memfd; JOIN_LIVING a list. */
struct join_reply {
    uint32_t version;
    uint32_t status;  /* 0 taken; otherwise an errno value, and no descriptors */
    uint32_t process; /* the number in the session */
    uint32_t count;   /* JOIN_LIVING: of the list */
};

#endif

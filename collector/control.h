/* What the launcher and the collector tell each other, over a socketpair of SOCK_SEQPACKET. */
#ifndef HOLDFAST_COLLECTOR_CONTROL_H
#define HOLDFAST_COLLECTOR_CONTROL_H

#include <stdint.h>

enum control_kind {
    CONTROL_READY = 1,   /* collector: text is the value of SESSION_ENV */
    CONTROL_REFUSED = 2, /* collector: text says why it can't start; it has ended */
    CONTROL_ENDED = 3,   /* launcher: the command has ended; pid, status as wait(2) gives it */
    CONTROL_WARNING = 4, /* collector: text is a line for the user */
    CONTROL_WRITTEN = 5, /* collector: text is the profile's path; the last message */
    CONTROL_FAILED =
        6, /* collector: no profile could be written, text says why; the last message */
    CONTROL_STARTED = 7, /* launcher: the command runs; pid */
    CONTROL_MOVED = 8,   /* collector: as a warning, but said even when the launcher is quiet */
    CONTROL_STOPPED = 9, /* collector: bytes passed a ceiling, so all processes were killed */
    CONTROL_BUSY = 10,   /* collector: text is what it takes long over */
};

struct control_message {
    uint32_t kind;
    uint32_t running; /* CONTROL_WRITTEN: this many processes still run */
    int32_t pid, status;
    uint64_t bytes;
    char text[4096]; /* NUL-terminated */
};

#endif

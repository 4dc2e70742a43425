/* The disposable copy: a child made by a bare clone, which tells the heap as it is at that moment
 * and ends. It runs no atfork handler and sends no SIGCHLD; a wait() that does not ask for such
 * children (__WCLONE) does not see it. It is reaped here.
 */
#ifndef HOLDFAST_PRELOAD_COPY_H
#define HOLDFAST_PRELOAD_COPY_H

#include <stdbool.h>
#include <stdint.h>

enum copy_end {
    COPY_WORKING = 0,
    COPY_TOLD,   /* all of it, or as much as could be told */
    COPY_FAILED, /* or it died */
};

/* There is a place for one more: of those that have been ended, not too many are still dying. */
bool copy_has_place(void);

/* Makes the copy for a snapshot. An earlier one that is still at work is ended, since what it tells
 * would be out of date, unless a user asked for that one (`wanted`). It `rests` at first: the next
 * one may end it before it has done any work. With all signals blocked and the GIL held. False when
 * there can be none. `memory_limit` is in bytes. */
bool copy_make(uint32_t snapshot, uint64_t memory_limit, bool wanted, bool rests);

/* Waits at most `ns` for the latest one's end. */
enum copy_end copy_wait(uint64_t ns);

/* Those that rest begin to work. */
void copy_hurry(void);

/* Waits for all of them. */
void copy_wait_all(uint64_t ns);

/* Ends all of them, and waits until they are gone. */
void copy_end_all(void);

/* How long copies work, as far as is known. */
uint64_t copy_expected_ns(void);

/* Buries those that have ended. Never waits. */
void copy_reap(void);

/* The latest one is at work, and does not rest any more. */
bool copy_works(void);

/* There are some to be reaped. */
bool copy_left(void);

/* Tells, in this process itself, what can be told without a copy. Signals blocked, GIL held. */
void copy_do_without(uint32_t snapshot);

#endif

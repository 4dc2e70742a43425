/* The allocator of a disposable copy: memory is taken in a row and never given back, without a
 * lock. Whatever calls malloc there, or one of Python's allocators, must not meet the program's
 * own, whose locks and lists are as other threads left them.
 */
#ifndef HOLDFAST_PRELOAD_BUMP_H
#define HOLDFAST_PRELOAD_BUMP_H

/* Puts it behind every hook and wrapper. Only in a copy, which has no other threads. */
void bump_install(void);

#endif

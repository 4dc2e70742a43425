/* Loops of malloc and free, timed from inside: what the hooks add is the difference between a
 * traced and an untraced run. Used as a program (native threads) and as a library (called from
 * Python). */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WINDOW 1024u
#define THREADS_MAX 256

double pairs_allocate(long count);
double pairs_free_only(long count);
double pairs_in_threads(long threads, long count);

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* ns for one malloc and one free of a small block, with WINDOW blocks alive. */
double pairs_allocate(long count) {
    static _Thread_local void *window[WINDOW];
    uint32_t random = 1;
    double start = now_ns();
    for (long i = 0; i < count; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t slot = random >> 22;
        free(window[slot]);
        window[slot] = malloc(16 + (random & 127));
    }
    double end = now_ns();
    for (uint32_t i = 0; i < WINDOW; i++) {
        free(window[i]);
        window[i] = NULL;
    }
    return (end - start) / (double)count;
}

/* ns for one free: blocks are made in rows of WINDOW, and only their release is timed. */
double pairs_free_only(long count) {
    static _Thread_local void *row[WINDOW];
    double spent = 0;
    for (long done = 0; done < count; done += WINDOW) {
        for (uint32_t i = 0; i < WINDOW; i++)
            row[i] = malloc(48);
        double start = now_ns();
        for (uint32_t i = 0; i < WINDOW; i++)
            free(row[i]);
        spent += now_ns() - start;
    }
    return spent / (double)count;
}

static void *run(void *count) {
    pairs_allocate((long)(intptr_t)count);
    return NULL;
}

/* ns for one malloc and one free, by the clock, of `count` of them in each of so many threads. */
double pairs_in_threads(long threads, long count) {
    pthread_t handles[THREADS_MAX];
    if (threads > THREADS_MAX)
        return 0;
    double start = now_ns();
    for (long i = 0; i < threads; i++)
        pthread_create(&handles[i], NULL, run, (void *)(intptr_t)count);
    for (long i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    return (now_ns() - start) / (double)(count * threads);
}

int main(int argc, char **argv) {
    long threads = argc > 1 ? atol(argv[1]) : 1;
    long count = argc > 2 ? atol(argv[2]) : 5000000;
    printf("%.2f\n", pairs_in_threads(threads, count));
    return 0;
}

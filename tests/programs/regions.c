/* Marks regions and counts for itself what each of them allocates: the truth that reports are held
 * to. Prints a line for each region, "name peak kept largest growth times", by its own books and as
 * it is told by the library; what the C library allocates for itself comes before the first region.
 *
 *     regions plain | threads | fork | killed | open | chance SEED | many NAMES | survivor
 */
#include "../../include/holdfast.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPEN_MAX_DEPTH 8

struct book {
    const char *name;
    unsigned number;
    long live, peak, largest;
};

/* Of one thread: those that are open. */
static _Thread_local struct book *open_books[OPEN_MAX_DEPTH];
static _Thread_local int depth;

struct owned {
    void *memory;
    long size;
    struct book *books[OPEN_MAX_DEPTH];
    int depth;
};

static struct owned take(long size) {
    struct owned owned = {.memory = malloc((size_t)size), .size = size, .depth = depth};
    for (int i = 0; i < depth; i++) {
        struct book *book = owned.books[i] = open_books[i];
        book->live += size;
        if (book->live > book->peak)
            book->peak = book->live;
    }
    return owned;
}

static void give(struct owned owned) {
    free(owned.memory);
    for (int i = 0; i < owned.depth; i++)
        owned.books[i]->live -= owned.size;
}

static void begin(struct book *book, const char *name) {
    *book = (struct book){.name = name, .number = holdfast_begin(name, 0)};
    open_books[depth++] = book;
}

static void end(struct book *book) {
    struct holdfast_figures told = {0};
    holdfast_end(book->number);
    int place = 0;
    while (open_books[place] != book)
        place++;
    memmove(&open_books[place], &open_books[place + 1], sizeof(void *) * (size_t)(--depth - place));
    long kept = book->live;
    if (holdfast_measure(book->number, &told) != 0)
        told.peak = told.kept = (uint64_t)-1;
    char line[256];
    int length = snprintf(line, sizeof line, "%s %ld %ld %lld %lld\n", book->name, book->peak, kept,
                          (long long)told.peak, (long long)told.kept);
    if (write(1, line, (size_t)length) != length)
        abort();
}

/* Books outlive their regions, since what is freed later still looks for them. */
static struct book outer, inner, crossing[2], loop[100];

static void plain(void) {
    struct owned before = take(1000003), list[50];
    begin(&outer, "outer");
    for (int i = 0; i < 50; i++)
        list[i] = take(1000 + i);
    give(before); /* not the region's: its own bytes do not fall */
    begin(&inner, "inner");
    struct owned most = take(3000017), kept = take(70001);
    give(most);
    for (int i = 0; i < 25; i++)
        give(list[i]);
    end(&inner);
    struct owned later = take(500009);
    end(&outer);
    give(kept);
    give(later);
    for (int i = 25; i < 50; i++)
        give(list[i]);
    /* Each leaves a block to the next one, from the same line */
    struct owned left = {0};
    for (int i = 0; i < 100; i++) {
        begin(&loop[i], "loop");
        struct owned next = take(20000 + i);
        if (left.memory)
            give(left);
        struct owned short_lived = take(100);
        give(short_lived);
        left = next;
        end(&loop[i]);
    }
    give(left);
    begin(&crossing[0], "first");
    struct owned one = take(11111);
    begin(&crossing[1], "second");
    struct owned two = take(22222);
    end(&crossing[0]);
    struct owned three = take(33333);
    end(&crossing[1]);
    give(one), give(two), give(three);
}

static struct book own[2];
static pthread_barrier_t barrier;

static void *work(void *argument) {
    int number = *(int *)argument;
    give(take(1)); /* the thread is known from here on */
    pthread_barrier_wait(&barrier);
    begin(&own[number], number ? "thread one" + 7 : "zero");
    for (int i = 0; i < 20000; i++) {
        struct owned first = take(1000 + number * 5000 + i % 7), second = take(300 + number);
        give(first);
        give(second);
    }
    struct owned kept = take(4000 + number);
    end(&own[number]);
    pthread_barrier_wait(&barrier);
    give(kept);
    return NULL;
}

static void threads(void) {
    pthread_t ids[2];
    int numbers[2] = {0, 1};
    pthread_barrier_init(&barrier, NULL, 2);
    for (int i = 0; i < 2; i++)
        pthread_create(&ids[i], NULL, work, &numbers[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(ids[i], NULL);
}

/* The child's memory is its own, and it may end a region that it has not begun. */
static void forked(void) {
    begin(&outer, "outer");
    struct owned kept = take(12345);
    pid_t child = fork();
    if (child == 0) {
        struct owned more = take(9000000);
        holdfast_end(outer.number);
        begin(&inner, "child");
        give(take(54321));
        end(&inner);
        give(more);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    end(&outer);
    give(kept);
}

/* Begins, ends, takes and gives by chance: regions cross, come back, and leave blocks behind in
 * every way; all from few lines, so that the same stacks are in many regions. */
#define STEPS 40000
static struct book chance_books[STEPS];
static struct owned pool[64];

static __attribute__((noinline)) struct owned take_elsewhere(long size) {
    struct owned owned = take(size);
    return owned;
}

static void by_chance(unsigned seed) {
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct book *next = chance_books;
    for (int step = 0; step < STEPS; step++) {
        unsigned dice = (unsigned)rand_r(&seed);
        struct owned *one = &pool[dice / 8 % 64];
        if (dice % 8 == 0 && depth < OPEN_MAX_DEPTH && next < chance_books + STEPS) {
            begin(next++, names[dice / 512 % 5]);
        } else if (dice % 8 == 1 && depth > 0) {
            end(open_books[dice / 512 % (unsigned)depth]);
        } else if (one->memory) {
            give(*one);
            one->memory = NULL;
        } else {
            long size = dice % 97 == 0 ? 200000 + dice / 512 % 5000 : 1 + dice / 512 % 5000;
            *one = dice % 3 ? take(size) : take_elsewhere(size);
        }
    }
    while (depth)
        end(open_books[0]);
}

/* Each name once, and the first one again, with the most. Says what the library told of the last
 * new one, and of the first one. */
static void many(unsigned names) {
    struct holdfast_figures told = {0};
    unsigned number = 0;
    for (unsigned i = 0; i < names; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        number = holdfast_begin(name, 0);
        give(take_elsewhere(1000 + (long)i));
        holdfast_end(number);
    }
    int newest = holdfast_measure(number, &told);
    number = holdfast_begin("0", 0);
    give(take_elsewhere(50000000));
    holdfast_end(number);
    int first = holdfast_measure(number, &told);
    printf("%d %d %llu\n", newest, first, (unsigned long long)told.peak);
}

/* The parent ends once the child is in a region and has allocated something. The child stays there
 * until somebody ends its input, and allocates the most of it only then. */
static void survivor(void) {
    int ready[2];
    char byte = 0;
    if (pipe(ready) != 0)
        abort();
    if (fork() != 0) {
        if (read(ready[0], &byte, 1) != 1)
            abort();
        return;
    }
    begin(&outer, "outer");
    struct owned before = take(1000000);
    if (write(ready[1], &byte, 1) != 1)
        abort();
    while (read(0, &byte, 1) > 0)
        ;
    struct owned most = take(7000000);
    give(before);
    end(&outer);
    give(most);
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "plain";
    holdfast_end(holdfast_begin("warming up", 0));
    if (strcmp(what, "plain") == 0)
        plain();
    else if (strcmp(what, "threads") == 0)
        threads();
    else if (strcmp(what, "fork") == 0)
        forked();
    else if (strcmp(what, "chance") == 0)
        by_chance((unsigned)atoi(words[2]));
    else if (strcmp(what, "many") == 0)
        many((unsigned)atoi(words[2]));
    else if (strcmp(what, "survivor") == 0)
        survivor();
    else {
        begin(&outer, "outer");
        struct owned kept = take(777777);
        begin(&inner, "inner");
        give(take(1000000));
        if (strcmp(what, "killed") == 0)
            raise(SIGKILL);
        (void)kept;
    }
    return 0;
}

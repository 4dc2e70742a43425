/* The heap walker as a shared object, for a Python program to call through ctypes.PyDLL: it writes
 * the graph of that very program into a file. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../preload/native/native.h"
#include "../../preload/python.h"
#include "../../preload/refs/refs.h"
#include "../../preload/snapshot.h"
#include "../../preload/thread.h"
#include "../../preload/walk/walk.h"
#include "../../preload/watch.h"

/* What python.c and frames.c need of the rest of the library. */
struct process process;
_Thread_local struct thread self;

struct refs *refs;

void refs_begin(void *scope) {
    (void)scope;
}

bool refs_deaths_traced(void) {
    return false;
}

void watch_begin(void *scope) {
    (void)scope;
}

void pymem_install(void *scope) {
    (void)scope;
}

void native_find_loop(void *scope) {
    (void)scope;
}

void snapshot_arm(void) {
}

uint64_t *writer_reserve_slowly(struct writer *writer, uint32_t words) {
    (void)writer, (void)words;
    return NULL;
}

static bool write_to_file(struct graph_writer *writer, const uint8_t *bytes, size_t size) {
    return write(writer->fd, bytes, size) == (ssize_t)size;
}

/* 0: the whole stream is there; 1: the walk was cut short; 2: there is no file to write to. */
__attribute__((visibility("default"))) int walk_to_file(const char *path,
                                                        const struct large_block *large,
                                                        size_t count, int shallow, uint64_t limit);
int walk_to_file(const char *path, const struct large_block *large, size_t count, int shallow,
                 uint64_t limit) {
    python_find(NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return 2;
    static uint8_t buffer[GRAPH_WRITER_BUFFER];
    struct graph_writer writer = {.write = write_to_file, .fd = fd, .buffer = buffer};
    struct walk_request request = {.large = large,
                                   .large_count = count,
                                   .shallow = shallow,
                                   .with_addresses = true,
                                   .memory_limit = limit};
    bool whole = walk_heap(&writer, &request);
    close(fd);
    return !whole;
}

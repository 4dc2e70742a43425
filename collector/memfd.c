/* See memfd.h. */
#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

static bool map(int fd, size_t size, void **pages) {
    if (!pages)
        return true;
    *pages = size ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : NULL;
    return *pages != MAP_FAILED;
}

int memfd_sealed(const char *name, size_t size, void **pages) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
        map(fd, size, pages))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// What paths.py calls and is called back by. Each frame is there when the memory is taken.
#include <stddef.h>
#include <stdlib.h>

static void *volatile kept;
static volatile int after; // so that no call is a function's last thing

typedef void callback(size_t left);

void take_here(size_t size) {
    kept = malloc(size);
    after++;
}

void c_hop(callback *back, size_t left) {
    back(left);
    after++;
}

// Its frame is found by the frame pointer alone
void c_wide_hop(callback *back, size_t left) {
    volatile char room[left % 3 * 64 + 16];
    room[0] = 1;
    back(left);
    after += room[0];
}

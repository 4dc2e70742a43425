/* The library's constructor. */
#include "python.h"
#include "real.h"
#include "thread.h"

__attribute__((constructor)) static void library_begin(void) {
    real_find();
    thread_prepare();
    process_join();
    python_find(NULL);
}

/* The library's constructor and destructor. */
#include "python.h"
#include "real.h"
#include "snapshot.h"
#include "thread.h"

__attribute__((constructor)) static void library_begin(void) {
    real_find();
    thread_prepare();
    process_join();
    python_find(NULL);
}

__attribute__((destructor)) static void library_end(void) {
    snapshot_settle(true);
}

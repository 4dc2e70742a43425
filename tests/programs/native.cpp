// What tests/e2e/test_native.py knows the calls of. Each takes memory and keeps it.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include <pthread.h>

#define NOINLINE __attribute__((noinline))

static void *volatile kept;
static volatile int after; // so that no call is a function's last thing

static inline __attribute__((always_inline)) void *take_inlined(std::size_t size) {
    void *block = std::malloc(size);
    kept = block;
    return block;
}

namespace deep {
template <typename Item> struct Pool {
    NOINLINE void *take(std::size_t size) {
        void *block = take_inlined(size);
        after++;
        return block;
    }
};
} // namespace deep

NOINLINE static void outer(std::size_t size) {
    deep::Pool<int>().take(size);
    after++;
}

typedef void callback(std::size_t size);

static void handler(int) {
    kept = std::malloc(3000000);
    after++;
}

NOINLINE static void interrupted() {
    std::raise(SIGUSR2);
    after++;
}

NOINLINE static int thrower(int left) {
    std::vector<char> room(100 + static_cast<std::size_t>(left));
    if (left == 0)
        throw std::runtime_error("from deep inside");
    int result = thrower(left - 1);
    after++;
    return result + room[0];
}

NOINLINE static void in_thread() {
    kept = std::malloc(25000);
    after++;
}

extern "C" {
void chain(std::size_t size) {
    outer(size);
    after++;
}

NOINLINE void tail_called(std::size_t size) {
    outer(size);
    after++;
}

// (-O2 makes a jump of it, and no frame is left)
void tail_caller(std::size_t size) {
    tail_called(size);
}

void call_back(callback *back, std::size_t size) {
    back(size);
    after++;
}

void take_in_handler() {
    std::signal(SIGUSR2, handler);
    interrupted();
    after++;
}

int count_thrown(int times) {
    int caught = 0;
    for (int i = 0; i < times; i++) {
        try {
            thrower(20);
        } catch (const std::runtime_error &error) {
            caught += std::strcmp(error.what(), "from deep inside") == 0;
        }
    }
    return caught;
}

// One after the other: what the first has left is the second's
void take_in_named_threads() {
    for (const char *name : {"first", "second"})
        std::thread([name] {
            pthread_setname_np(pthread_self(), name);
            kept = std::malloc(*name == 'f' ? 700000 : 800000);
            after++;
        }).join();
}

void take_in_threads(int count) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; i++)
        threads.emplace_back(in_thread);
    for (auto &thread : threads)
        thread.join();
    kept = std::malloc(8000000); // the peak is now, and not while the threads' own memory was there
    after++;
}
}

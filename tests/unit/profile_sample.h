/* A profile put together by hand, as the collector would: for the tests of the profile file and of
 * the viewer.
 */
#ifndef HOLDFAST_TESTS_PROFILE_SAMPLE_H
#define HOLDFAST_TESTS_PROFILE_SAMPLE_H

#include "wire/profile.h"

#define SAMPLE_MAX 64u

/* Zeroed by sample_start. Everything that `profile` points to is here. */
struct sample {
    struct profile profile;
    char *strings[SAMPLE_MAX * 4];
    struct profile_function functions[SAMPLE_MAX];
    struct profile_node nodes[SAMPLE_MAX * 2];
    struct profile_site sites[SAMPLE_MAX];
    struct profile_process processes[SAMPLE_MAX];
    struct profile_timeline timelines[4];
    struct profile_point points[4][SAMPLE_MAX];
    struct profile_source sources[SAMPLE_MAX];
    string_id arguments[SAMPLE_MAX];
    uint32_t argument_count;
    string_id warnings[SAMPLE_MAX];
    char words[4096]; /* of commands */
    size_t words_used;
};

void sample_start(struct sample *sample);

/* `text` is not copied. */
string_id sample_string(struct sample *sample, const char *text);
string_id sample_warning(struct sample *sample, const char *text);
uint32_t sample_function(struct sample *sample, const char *name, const char *file);
uint32_t sample_thread(struct sample *sample, const char *name);
uint32_t sample_frame(struct sample *sample, uint32_t parent, uint32_t function, uint32_t line);
uint32_t sample_process(struct sample *sample, uint32_t pid, const char *command);

/* Adds bytes to the peaks of the process and of the tree. */
void sample_site(struct sample *sample, uint32_t process, uint32_t node, enum profile_kind kind,
                 uint64_t bytes, uint64_t blocks);
void sample_source(struct sample *sample, const char *file, uint32_t line, const char *text);

/* The article's program: three arrays of 1 GiB at the peak, libraries, threads of the same stack,
 * and a little of everything else. */
void sample_article(struct sample *sample);

/* The article's with two workers and a shell. */
void sample_processes(struct sample *sample);

/* Writes to a new temporary file, whose name is put into `path` (at least 32 bytes). */
void sample_write(const struct sample *sample, char *path);

#endif

/* See profile_sample.h. */
#include "profile_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB (1ull << 30)
#define MIB (1ull << 20)

void sample_start(struct sample *sample) {
    memset(sample, 0, sizeof *sample);
    struct profile *profile = &sample->profile;
    profile->strings = sample->strings;
    profile->functions = sample->functions;
    profile->function_count = 1;
    profile->nodes = sample->nodes;
    profile->node_count = 1;
    profile->sites = sample->sites;
    profile->processes = sample->processes;
    profile->timelines = sample->timelines;
    profile->sources = sample->sources;
    profile->warnings = sample->warnings;
    profile->complete = true;
    sample_string(sample, "");
    profile->writer = sample_string(sample, "holdfast 0.1.0");
    profile->host = sample_string(sample, "Linux 6.1.0 x86_64");
}

string_id sample_string(struct sample *sample, const char *text) {
    for (uint32_t i = 0; i < sample->profile.string_count; i++)
        if (strcmp(sample->strings[i], text) == 0)
            return i;
    sample->strings[sample->profile.string_count] = (char *)(uintptr_t)text;
    return sample->profile.string_count++;
}

string_id sample_warning(struct sample *sample, const char *text) {
    return sample->warnings[sample->profile.warning_count++] = sample_string(sample, text);
}

uint32_t sample_function(struct sample *sample, const char *name, const char *file) {
    sample->functions[sample->profile.function_count] = (struct profile_function){
        .name = sample_string(sample, name), .file = sample_string(sample, file), .first_line = 1};
    return sample->profile.function_count++;
}

uint32_t sample_thread(struct sample *sample, const char *name) {
    sample->nodes[sample->profile.node_count] =
        (struct profile_node){.thread = sample_string(sample, name)};
    return sample->profile.node_count++;
}

uint32_t sample_frame(struct sample *sample, uint32_t parent, uint32_t function, uint32_t line) {
    sample->nodes[sample->profile.node_count] =
        (struct profile_node){.parent = parent, .function = function, .line = line};
    return sample->profile.node_count++;
}

uint32_t sample_process(struct sample *sample, uint32_t pid, const char *command) {
    uint32_t number = sample->profile.process_count++;
    string_id *arguments = &sample->arguments[sample->argument_count];
    char *rest = strcpy(&sample->words[sample->words_used], command);
    sample->words_used += strlen(command) + 1;
    uint32_t count = 0;
    for (char *word; (word = strsep(&rest, " ")) != NULL; count++)
        arguments[count] = sample_string(sample, word);
    sample->argument_count += count;
    sample->processes[number] = (struct profile_process){
        .pid = pid,
        .ppid = 1,
        .flags = PROCESS_PYTHON | PROCESS_HAS_STATUS,
        .python = sample_string(sample, "3.12.1"),
        .command = arguments,
        .command_count = count,
        .end_ns = 2310000000,
        .peak_ns = 1240000000,
    };
    return number;
}

void sample_site(struct sample *sample, uint32_t process, uint32_t node, enum profile_kind kind,
                 uint64_t bytes, uint64_t blocks) {
    sample->sites[sample->profile.site_count++] = (struct profile_site){
        process, node, kind, bytes, blocks, bytes, blocks, 0, 0, bytes * 2, blocks * 2};
    sample->processes[process].peak_bytes += bytes;
    sample->processes[process].tree_bytes += bytes;
    sample->profile.tree_peak_bytes += bytes;
}

void sample_source(struct sample *sample, const char *file, uint32_t line, const char *text) {
    sample->sources[sample->profile.source_count++] =
        (struct profile_source){sample_string(sample, file), line, sample_string(sample, text)};
}

static void add_timeline(struct sample *sample, uint32_t process) {
    struct profile_timeline *line = &sample->timelines[sample->profile.timeline_count];
    line->process = process;
    line->points = sample->points[sample->profile.timeline_count++];
    for (uint32_t i = 0; i < 50; i++) {
        uint64_t bytes = i < 10   ? i * 20 * MIB
                         : i < 18 ? GIB
                         : i < 25 ? 2 * GIB
                         : i < 30 ? 3 * GIB
                                  : GIB;
        line->points[line->point_count++] =
            (struct profile_point){(i + 1) * 46200000ull, bytes, bytes + 60 * MIB};
    }
}

void sample_article(struct sample *sample) {
    static const char app[] = "/home/mia/job/article.py";
    static const char numeric[] = "/usr/lib/python3/dist-packages/numpy/core/numeric.py";
    sample_start(sample);
    uint32_t process = sample_process(sample, 4242, "python3 article.py");
    uint32_t module = sample_function(sample, "<module>", app);
    uint32_t work = sample_function(sample, "process_data", app);
    uint32_t load = sample_function(sample, "load_data", app);
    uint32_t modify1 = sample_function(sample, "modify1", app);
    uint32_t modify2 = sample_function(sample, "modify2", app);
    uint32_t ones = sample_function(sample, "ones", numeric);
    uint32_t full = sample_function(sample, "full", numeric);
    uint32_t find = sample_function(sample, "_find_and_load", "<frozen importlib._bootstrap>");
    uint32_t unlocked =
        sample_function(sample, "_find_and_load_unlocked", "<frozen importlib._bootstrap>");
    uint32_t compile =
        sample_function(sample, "get_code", "<frozen importlib._bootstrap_external>");
    for (int thread = 0; thread < 2; thread++) {
        uint32_t root = sample_thread(sample, thread ? "worker-3" : "MainThread");
        uint32_t top = sample_frame(sample, root, module, 21);
        uint32_t body = sample_frame(sample, top, work, 8);
        uint32_t loaded = sample_frame(sample, sample_frame(sample, top, work, 7), load, 4);
        uint32_t import = sample_frame(sample, root, module, 1);
        uint64_t part = thread ? GIB / 4 : GIB / 4 * 3;
        sample_site(sample, process, sample_frame(sample, body, modify1, 12), PROFILE_HEAP, part,
                    1);
        sample_site(sample, process, sample_frame(sample, body, modify2, 16), PROFILE_HEAP, part,
                    1);
        sample_site(sample, process,
                    sample_frame(sample, sample_frame(sample, loaded, ones, 190), full, 330),
                    PROFILE_MAPPED, part, 1);
        import = sample_frame(sample, sample_frame(sample, import, find, 1360), unlocked, 1331);
        import = sample_frame(sample, import, compile, 1012);
        sample_site(sample, process, import, PROFILE_PYTHON, 31 * MIB + 17, 200123);
        sample_site(sample, process, import, PROFILE_HEAP, MIB, 12);
        sample_site(sample, process, root, PROFILE_HEAP, 5000 + (uint64_t)thread, 3);
    }
    sample_source(sample, app, 1, "import numpy as np");
    sample_source(sample, app, 4, "    return np.ones(SIZE, dtype=np.uint8)");
    sample_source(sample, app, 7, "    data = load_data()");
    sample_source(sample, app, 8, "    return modify2(modify1(data))");
    sample_source(sample, app, 12, "    return data * 2");
    sample_source(sample, app, 16, "    return data + 10");
    sample_source(sample, app, 21, "process_data()");
    struct profile *profile = &sample->profile;
    struct profile_process *image = &sample->processes[process];
    profile->command = image->command;
    profile->command_count = image->command_count;
    profile->duration_ns = 2310000000;
    profile->started_unix_ns = 1790000000000000000;
    profile->tree_peak_ns = 1240000000;
    image->peak_rss_bytes = 3 * GIB + 120 * MIB;
    image->arena_bytes = 63 * MIB;
    image->reserved_bytes = 1ull << 40;
    image->file_bytes = 40 * MIB;
    image->allocations = 1234567;
    image->wait_ns = 310000000;
    image->waits = 12;
    add_timeline(sample, PROFILE_TREE);
    add_timeline(sample, process);
}

void sample_processes(struct sample *sample) {
    sample_article(sample);
    uint32_t shell = sample_process(sample, 4240, "sh -c python3\tarticle.py");
    sample->processes[shell].flags = PROCESS_HAS_STATUS;
    sample->processes[shell].python = 0;
    sample_site(sample, shell, sample_thread(sample, "sh"), PROFILE_HEAP, 70000, 800);
    uint32_t file = sample_function(sample, "crunch", "/home/mia/job/worker.py");
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t worker =
            sample_process(sample, 4250 + i, "python3 -c from_multiprocessing_import_spawn");
        uint32_t root = sample_thread(sample, "MainThread");
        sample->processes[worker].parent = 0;
        sample_site(sample, worker, sample_frame(sample, root, file, 30), PROFILE_PYTHON,
                    300 * MIB + i, 4);
        sample->processes[worker].exit_signal = i ? 9 : 0;
    }
}

void sample_write(const struct sample *sample, char *path) {
    struct profile_error error;
    strcpy(path, "/tmp/holdfast-test-XXXXXX");
    int fd = mkstemp(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!out || !profile_write(&sample->profile, NULL, out, &error) || fclose(out) != 0) {
        fprintf(stderr, "cannot write %s: %s\n", path, error.text);
        abort();
    }
}

/* See baseline.h. */
#include "baseline.h"

#include "viewer/format.h"
#include "viewer/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SCHEMA "holdfast.baseline/1"
#define LEAST_PLACE 1000u    /* this part of the peak: what is smaller is not kept */
#define LEAST_HOLDER 100u    /* likewise: which holders are seen varies more */
#define PEAK_END (1ll << 48) /* sums with a tolerance do not overflow */
#define SAME_PART 256u       /* sizes that differ by less of it are the same */
#define ROUNDED_PART 1000u   /* sizes are rounded up by less than this part */

/* -- Reading -- */

static bool has_sizes(const json_t *map) {
    const char *key;
    json_t *size;
    json_object_foreach((json_t *)map, key, size) {
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return false;
    }
    return !map || json_is_object(map);
}

static bool is_job(const json_t *job) {
    json_t *peak = json_object_get(job, "peak_bytes");
    return json_is_integer(peak) && json_integer_value(peak) > 0 &&
           json_integer_value(peak) < PEAK_END && has_sizes(json_object_get(job, "places")) &&
           has_sizes(json_object_get(job, "holders"));
}

static bool is_baseline(const json_t *baseline) {
    const char *schema = json_string_value(json_object_get(baseline, "schema"));
    json_t *jobs = json_object_get(baseline, "jobs"), *job;
    const char *name;
    if (!schema || strcmp(schema, SCHEMA) != 0 || !json_is_object(jobs))
        return false;
    json_object_foreach(jobs, name, job) {
        if (!is_job(job))
            return false;
    }
    return true;
}

static void set_error(struct profile_error *error, const char *path, const char *what) {
    snprintf(error->text, sizeof error->text, "%.250s: %.200s", path, what);
}

json_t *baseline_read(const char *path, struct profile_error *error) {
    json_error_t problem;
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return json_pack("{s:s, s:{}}", "schema", SCHEMA, "jobs");
    if (!file) {
        set_error(error, path, strerror(errno));
        return NULL;
    }
    json_t *baseline = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
    bool readable = !ferror(file);
    fclose(file);
    if (baseline && is_baseline(baseline))
        return baseline;
    if (!readable)
        set_error(error, path, "it cannot be read; is it a directory?");
    else if (baseline)
        set_error(error, path, "this is no baseline of Holdfast's, or one of a newer version");
    else
        snprintf(error->text, sizeof error->text, "%.250s, line %d: %.150s", path, problem.line,
                 problem.text);
    json_decref(baseline);
    return NULL;
}

const json_t *baseline_job(const json_t *baseline, const char *job) {
    return json_object_get(json_object_get(baseline, "jobs"), job);
}

uint64_t baseline_peak(const json_t *job) {
    json_int_t peak = json_integer_value(json_object_get(job, "peak_bytes"));
    return peak > 0 ? (uint64_t)peak : 0;
}

const char *baseline_python(const json_t *job) {
    const char *python = json_string_value(json_object_get(job, "python"));
    return python ? python : "";
}

struct number baseline_python_of(const struct profile *profile) {
    struct number number = {""};
    for (uint32_t i = 0; i < profile->process_count && !number.text[0]; i++) {
        const char *python = profile->strings[profile->processes[i].python];
        const char *dot = strchr(python, '.');
        size_t length = dot ? (size_t)(dot - python) + 1 + strspn(dot + 1, "0123456789") : 0;
        snprintf(number.text, sizeof number.text, "%.*s", (int)length, python);
    }
    return number;
}

/* -- Writing -- */

static uint64_t round_up(uint64_t bytes) {
    uint64_t step = 1;
    while (step * 10 <= bytes / ROUNDED_PART)
        step *= 10;
    return (bytes + step - 1) / step * step;
}

/* What was kept stays, unless it was another size. */
static json_t *new_size(uint64_t bytes, const json_t *old) {
    json_int_t kept = json_integer_value(old), rounded = (json_int_t)round_up(bytes);
    json_int_t difference = kept > rounded ? kept - rounded : rounded - kept;
    return json_integer(kept > 0 && difference <= kept / SAME_PART ? kept : rounded);
}

static json_t *new_sizes(const struct items *items, uint64_t least, const json_t *old) {
    json_t *map = json_object();
    for (uint32_t i = 0; i < items->count; i++) {
        const struct item *item = &items->list[i];
        if (item->bytes >= least)
            json_object_set_new(map, item->key,
                                new_size(item->bytes, json_object_get(old, item->key)));
    }
    return map;
}

/* The peak is judged: an old one below this run's would have the same run be beyond a small
 * tolerance. */
bool baseline_update(json_t *baseline, const struct check *check) {
    const char *name = check->request->job;
    const json_t *old = baseline_job(baseline, name);
    uint64_t peak = check->model->bytes;
    json_t *job = json_pack(
        "{s:s, s:o, s:o}", "python", baseline_python_of(check->profile).text, "peak_bytes",
        new_size(peak, baseline_peak(old) < peak ? NULL : json_object_get(old, "peak_bytes")),
        "places",
        new_sizes(&check->at_places, peak / LEAST_PLACE + 1, json_object_get(old, "places")));
    if (check->holders_whole)
        json_object_set_new(
            job, "holders",
            new_sizes(&check->holders, peak / LEAST_HOLDER + 1, json_object_get(old, "holders")));
    return job && json_object_set_new(json_object_get(baseline, "jobs"), name, job) == 0;
}

/* The directory is locked: the file is replaced, and one beside it would have to be committed, or
 * ignored. */
int baseline_lock(const char *path) {
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    if (slash)
        slash[slash == copy] = 0;
    int lock = copy ? open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(copy);
    while (lock >= 0 && flock(lock, LOCK_EX) != 0 && errno == EINTR)
        ;
    return lock;
}

void baseline_unlock(int lock) {
    if (lock >= 0)
        close(lock);
}

bool baseline_write(const json_t *baseline, const char *path) {
    char *temporary;
    if (asprintf(&temporary, "%s.%d.new", path, getpid()) < 0)
        return false;
    FILE *file = fopen(temporary, "we");
    bool good = file && json_dumpf(baseline, file, JSON_INDENT(2) | JSON_SORT_KEYS) == 0 &&
                fputc('\n', file) != EOF;
    int problem = errno;
    if (file && fclose(file) != 0 && good) {
        problem = errno;
        good = false;
    }
    if (good && rename(temporary, path) != 0) {
        problem = errno;
        good = false;
    }
    if (!good && file)
        unlink(temporary);
    free(temporary);
    errno = problem;
    return good;
}

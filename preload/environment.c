/* See environment.h. No allocation and no libc call that could: this runs inside a first malloc,
 * and in vfork children. */
#include "environment.h"

#include <string.h>
#include <unistd.h>

#include "../wire/session.h"

#define PRELOAD_NAME "LD_PRELOAD="
#define PRELOAD_LENGTH (sizeof PRELOAD_NAME - 1)
#define SESSION_NAME SESSION_ENV "="
#define SESSION_LENGTH (sizeof SESSION_NAME - 1)

struct environment environment;

static char **find(char *const envp[], const char *name, size_t length) {
    for (char *const *entry = envp; entry && *entry; entry++)
        if (strncmp(*entry, name, length) == 0)
            return (char **)(size_t)entry;
    return NULL;
}

static void remove_entry(char **entry) {
    for (; *entry; entry++)
        entry[0] = entry[1];
}

/* The launcher puts our library first in LD_PRELOAD; what the user had follows after a colon. */
static bool take_preload(char **entry) {
    char *value = *entry + PRELOAD_LENGTH;
    size_t length = strcspn(value, ": ");
    if (length == 0 || PRELOAD_LENGTH + length >= sizeof environment.preload)
        return false;
    memcpy(environment.preload, *entry, PRELOAD_LENGTH + length);
    environment.preload[PRELOAD_LENGTH + length] = '\0';
    if (value[length] == '\0')
        remove_entry(entry);
    else
        memmove(value, value + length + 1, strlen(value + length + 1) + 1);
    return true;
}

bool environment_take(void) {
    if (environment.known)
        return true;
    char **session = find(environ, SESSION_NAME, SESSION_LENGTH);
    if (!session || strlen(*session) >= sizeof environment.session)
        return false;
    memcpy(environment.session, *session, strlen(*session) + 1);
    remove_entry(session);
    char **preload = find(environ, PRELOAD_NAME, PRELOAD_LENGTH);
    environment.known = preload && take_preload(preload);
    return environment.known;
}

size_t environment_count(char *const envp[]) {
    size_t count = 0;
    while (envp && envp[count])
        count++;
    return count;
}

bool environment_is_untraced(char *const envp[]) {
    return find(envp, UNTRACED_ENV "=", sizeof UNTRACED_ENV) != NULL;
}

size_t environment_text_size(char *const envp[]) {
    char **theirs = find(envp, PRELOAD_NAME, PRELOAD_LENGTH);
    return theirs ? strlen(environment.preload) + strlen(*theirs) + 2 : 1;
}

static bool starts_with_ours(const char *value) {
    const char *ours = environment.preload + PRELOAD_LENGTH;
    size_t length = strlen(ours);
    return strncmp(value, ours, length) == 0 && (value[length] == '\0' || value[length] == ':');
}

static char *join_preload(char *theirs, char *text) {
    const char *value = theirs + PRELOAD_LENGTH;
    if (starts_with_ours(value))
        return theirs;
    size_t ours = strlen(environment.preload);
    memcpy(text, environment.preload, ours);
    text[ours] = ':';
    memcpy(text + ours + 1, value, strlen(value) + 1);
    return text;
}

void environment_build(char *const envp[], char **built, char *text) {
    size_t count = 0;
    bool has_preload = false;
    for (char *const *entry = envp; entry && *entry; entry++) {
        if (strncmp(*entry, SESSION_NAME, SESSION_LENGTH) == 0)
            continue;
        bool preload = !has_preload && strncmp(*entry, PRELOAD_NAME, PRELOAD_LENGTH) == 0;
        built[count++] = preload ? join_preload(*entry, text) : *entry;
        has_preload |= preload;
    }
    if (!has_preload)
        built[count++] = environment.preload;
    built[count++] = environment.session;
    built[count] = NULL;
}

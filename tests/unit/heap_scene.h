/* A snapshot made by hand: a heap graph, large blocks, moments and a profile around them.
 *
 * Liveness is faked: a frame's code holds, instead of instructions, the depth of the value stack +
 * 1 and for each local whether it is live; no instructions: nothing is known of it. So a test says
 * what is dead, and holders.c is asked what follows. A function named looks_outward reads its
 * callers' locals.
 */
#ifndef HOLDFAST_TESTS_HEAP_SCENE_H
#define HOLDFAST_TESTS_HEAP_SCENE_H

#include "graph_sample.h"
#include "viewer/holders.h"

#define MIB (1ull << 20)
#define SCENE_SNAPSHOT 100u /* the moment that it is taken in */
#define SCENE_BLOCKS 64u
#define SCENE_EDGES 32u
#define SCENE_SHARES 1000u /* see findings_whole */

struct scene {
    struct graph_sample graph;
    uint32_t dict, list, tuple, text, number, bytes, function, cell, code, node, finalized, module,
        class, array, generator, frame_object, traceback, exception, other, cache, context, hamt,
        context_variable, method;
    uint32_t main_thread;
    struct profile profile;
    struct profile_process process;
    struct profile_snapshot snapshot;
    struct profile_block blocks[SCENE_BLOCKS];
    struct profile_moment moments[16];
    struct profile_node nodes[16];
    struct profile_function functions[16];
    char *strings[32];
    struct profile_graph bytes_of_graph;
    uint64_t next_block; /* address */
    struct findings *findings;
};

void scene_open(struct scene *scene);
void scene_open_as(struct scene *scene, uint32_t flags);
/* Ends the graph and finds. */
void scene_find(struct scene *scene);
void scene_close(struct scene *scene);

#define EDGES(...)                                                                                 \
    (const struct sample_edge[]) {                                                                 \
        __VA_ARGS__, {                                                                             \
            0, NULL, 0                                                                             \
        }                                                                                          \
    }
#define ITEM(target)                                                                               \
    { EDGE_ITEM, NULL, target }
#define KEY(key, value)                                                                            \
    {EDGE_KEY, NULL, key}, {                                                                       \
        EDGE_VALUE, NULL, value                                                                    \
    }
#define FIELD(name, target)                                                                        \
    { EDGE_FIELD, name, target }
#define ATTRIBUTE(name, target)                                                                    \
    { EDGE_ATTRIBUTE, name, target }
#define OTHER(target)                                                                              \
    { EDGE_OTHER, NULL, target }

/* A tracked object of 64 bytes; edges up to the first that has no target and no kind. */
uint32_t scene_object(struct scene *scene, uint32_t type, uint64_t references,
                      const struct sample_edge *edges);
uint32_t scene_object_of(struct scene *scene, uint32_t type, uint64_t references, uint64_t size,
                         uint32_t flags, const char *detail, const struct sample_edge *edges);
uint32_t scene_text(struct scene *scene, const char *text, uint64_t references);
/* An object that owns a new block. */
uint32_t scene_big(struct scene *scene, uint32_t type, uint64_t references, uint64_t size);
uint64_t scene_block(struct scene *scene, uint64_t size); /* its address */
/* An object that points `offset` bytes into a block. */
uint32_t scene_view(struct scene *scene, uint32_t type, uint64_t references, uint64_t address,
                    uint32_t flags, const struct sample_edge *edges);

struct scene_local {
    const char *name;
    uint32_t object;
    bool live;
    bool borrowed;
};

/* A frame of the main thread, in "app.py". `stack`: objects << 1 | borrowed, up to 0. */
struct scene_frame {
    const char *function;
    uint32_t depth, line;
    const struct scene_local *locals; /* up to one without a name */
    const uint32_t *stack;
    bool unknown;       /* its liveness */
    bool unknown_depth; /* of its stack */
    uint32_t owner, function_object, locals_object;
    bool suspended; /* it belongs to `owner` alone, and no thread runs it */
    bool inserted;  /* the interpreter's own, before __init__ */
    int32_t saved_depth_plus_one;
};

void scene_frame(struct scene *scene, const struct scene_frame *frame);
#define LOCALS(...)                                                                                \
    (const struct scene_local[]) {                                                                 \
        __VA_ARGS__, {                                                                             \
            NULL, 0, false, false                                                                  \
        }                                                                                          \
    }
#define DEAD(name, object)                                                                         \
    { name, object, false, false }
#define LIVE(name, object)                                                                         \
    { name, object, true, false }

void scene_moment(struct scene *scene, uint64_t number, uint64_t bytes);

/* The holder whose path begins with this; fails the test when there is none. */
const struct holder *scene_holder(const struct scene *scene, const char *path);

#endif

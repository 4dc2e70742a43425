/* The frames of native code in a profile: each address is looked up once (symbols.h), and becomes
 * as many frames as there are functions that the compiler has put into each other there. */
#ifndef HOLDFAST_COLLECTOR_NATIVES_H
#define HOLDFAST_COLLECTOR_NATIVES_H

#include "index.h"

struct builder;
struct stack_node;

/* Zeroed: empty. */
struct natives {
    struct symbols *symbols; /* NULL until it is asked */
    struct native_address *addresses;
    struct native_frame *frames;
    uint32_t address_count, address_capacity, frame_count, frame_capacity;
    struct index index;
    void (*slow)(void *context); /* called once if it takes long; may be NULL */
    void *slow_context;
};

struct native_frame {
    uint32_t function, line;
};

/* The frames of a node whose code is a module, the outermost first. 0: memory ran out. */
uint32_t natives_find(struct builder *builder, const struct stack_node *node,
                      const struct native_frame **frames);
void natives_release(struct natives *natives);

#endif

/* A session without processes: rings in plain memory, a small writer for each, and checks of what
 * the collector made of it. */
#ifndef HOLDFAST_TESTS_RIG_H
#define HOLDFAST_TESTS_RIG_H

#include "collector/drain.h"

#define RIG_RINGS 64u

struct rig_ring {
    struct ring *ring;
    uint64_t *body;
    uint64_t size, tail;
};

struct rig {
    struct session_page page;
    struct trace trace;
    struct image *image;              /* the first one */
    struct rig_ring rings[RIG_RINGS]; /* of all images, in the order of rig_image's calls */
    uint32_t ring_count;
};

void rig_open(struct rig *rig, uint32_t rings); /* with one image; its ring 0 is the GIL's */
void rig_close(struct rig *rig);

/* One more image, whose rings are added to rig->rings; the first is its GIL ring. */
struct image *rig_image(struct rig *rig, uint32_t pid, uint32_t rings);

uint64_t rig_ticket(struct rig *rig);

/* Puts one record into a ring; draining when there is no room. */
void rig_put(struct rig *rig, uint32_t ring, uint64_t word, const uint64_t *words, uint32_t count);

/* Shorthands; `ticket` 0: none. */
void rig_note(struct rig *rig, uint32_t ring, uint64_t ticket);
void rig_node(struct rig *rig, uint32_t ring, uint32_t number, uint32_t parent, int64_t position);
void rig_alloc(struct rig *rig, uint32_t ring, uint64_t ticket, uint64_t address, uint64_t size,
               uint32_t node);
void rig_free(struct rig *rig, uint32_t ring, uint64_t ticket, uint64_t address);
void rig_realloc(struct rig *rig, uint32_t ring, uint64_t from, unsigned aux, uint64_t to,
                 uint64_t size, uint32_t node);
void rig_map(struct rig *rig, uint32_t ring, unsigned class, uint64_t start, uint64_t length,
             uint32_t node);
void rig_unmap(struct rig *rig, uint32_t ring, unsigned aux, uint64_t start, uint64_t length);
void rig_remap(struct rig *rig, uint32_t ring, uint64_t start, uint64_t length, uint32_t node);
void rig_protect(struct rig *rig, uint32_t ring, unsigned what, uint64_t start, uint64_t length,
                 uint32_t node);
void rig_snapshot(struct rig *rig, uint32_t ring, uint32_t number, unsigned reason, uint64_t bytes,
                  uint32_t node); /* takes a ticket */
void rig_mark(struct rig *rig, uint32_t ring, unsigned mark, uint64_t value);

/* Drains all there is, and checks that every sum is right (rig_is_sound). */
void rig_drain(struct rig *rig);

/* Sites sum to live bytes, to each image's peak and to the tree's; tables are valid. */
bool rig_is_sound(const struct trace *trace);

/* A site's bytes at its image's peak. */
uint64_t rig_peak_bytes(const struct image *image, uint32_t node, uint32_t kind);

#endif

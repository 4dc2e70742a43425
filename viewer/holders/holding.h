/* All that was live at the snapshot, by what holds it: the dominator tree, with what is alike and
 * small told as one.
 */
#ifndef HOLDFAST_VIEWER_HOLDERS_HOLDING_H
#define HOLDFAST_VIEWER_HOLDERS_HOLDING_H

#include "viewer/holders.h"
#include "viewer/holders/units.h"

/* What has less than one of so many shares of all bytes is not told by itself. NULL when memory ran
 * out. Texts are the heap's. */
struct holding *holding_find(const struct heap *heap, const struct units *units, uint32_t shares);
void holding_free(struct holding *holding);

#endif

/* What is said of one unit: who holds it, by which path, with which verdict, and why. */
#ifndef HOLDFAST_VIEWER_HOLDERS_JUDGE_H
#define HOLDFAST_VIEWER_HOLDERS_JUDGE_H

#include "viewer/holders.h"
#include "viewer/holders/units.h"

/* Fills the holder, but for its peak. */
void judge_unit(const struct heap *heap, const struct unit *unit, struct holder *holder);

#endif

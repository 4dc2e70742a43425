/* The dead references that keep something alive together: each leads to it by a way of its own, so
 * all of them have to go before anything is freed.
 */
#ifndef HOLDFAST_VIEWER_CUTS_H
#define HOLDFAST_VIEWER_CUTS_H

#include "viewer/holders/paths.h"
#include "viewer/holders/units.h"

#define CUTS_TOLD 4u /* of more, these are known by name */

struct cuts {
    uint32_t count;               /* all of them; 0 when memory ran out */
    uint32_t told;                /* of these there are paths */
    struct path paths[CUTS_TOLD]; /* callers before what they call */
};

/* Of a unit that is freed once all dead references are cut. */
void cuts_find(const struct heap *heap, const struct unit *unit, struct cuts *cuts);

#endif

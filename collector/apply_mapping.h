/* The events of mappings: MAP, UNMAP, REMAP, PROTECT. As apply_record. */
#ifndef HOLDFAST_COLLECTOR_APPLY_MAPPING_H
#define HOLDFAST_COLLECTOR_APPLY_MAPPING_H

#include "trace.h"

/* `site`: of the event's stack, of kind mapped. */
bool apply_map(struct trace *trace, struct image *image, struct piece values);
bool apply_unmap(struct trace *trace, struct reader *reader, uint64_t start, uint64_t length,
                 bool hold);
bool apply_remap(struct trace *trace, struct reader *reader, uint64_t start, uint64_t length,
                 uint32_t site);
bool apply_protect(struct trace *trace, struct image *image, struct piece range, unsigned what);

#endif

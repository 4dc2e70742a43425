/* A peak in the formats of other tools: docs/exports.md says what each of them holds.
 *
 * All but the trace hold the stacks at the peak of `options->process`, whose bytes add up to it
 * exactly. The trace holds what the run was like over time.
 */
#ifndef HOLDFAST_VIEWER_EXPORTS_H
#define HOLDFAST_VIEWER_EXPORTS_H

#include "report.h"

/* Each writes to `out`, as reports do. False when memory ran out or `out` cannot take it. */
bool export_csv(const struct profile *profile, const struct report_options *options, FILE *out);
bool export_massif(const struct profile *profile, const struct report_options *options, FILE *out);
bool export_pprof(const struct profile *profile, const struct report_options *options, FILE *out);
bool export_speedscope(const struct profile *profile, const struct report_options *options,
                       FILE *out);
bool export_trace(const struct profile *profile, const struct report_options *options, FILE *out);

#endif

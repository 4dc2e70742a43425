#include "report.h"
bool report_page(const struct profile *profile, const struct report_options *options, FILE *out) {
    (void)profile, (void)options;
    fputs("not yet\n", out);
    return true;
}

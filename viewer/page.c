/* The report as one HTML page that needs nothing else: what web/ was built into, with the profile's
 * data put into it.
 *
 * Names from the program are data: they travel as JSON in which no "<" is left, and the page's
 * script only ever writes them as text.
 */
#include "page_parts.h"
#include "page_shell.h"

#include <stdlib.h>

static void put_data(struct page_out *page, const char *command) {
    page_begin(page, '{');
    page_put_text(page, "schema", "holdfast.page/1");
    page_put_run(page, command);
    page_put_text(page, "view", view_names[page->options->view]);
    page_put_processes(page);
    page_put_regions(page);
    page_put_trees(page);
    page_put_time(page);
    page_put_spans(page);
    page_put_turnover(page);
    page_put_holders(page);
    page_put_shared(page);
    page_end(page, '}');
}

bool report_page(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct page_out page;
    struct report_options whole = *options;
    char *command = page_command(profile, profile->command, profile->command_count);
    whole.holding = true;
    bool good = page_out_open(&page, profile, &whole, out) && command;
    if (good) {
        page_shell_open(out, command);
        put_data(&page, command);
        page_shell_close(out);
        good = !page.failed && !ferror(out);
    }
    page_out_release(&page);
    free(command);
    return good;
}

/* The report as one HTML page that needs nothing else: what web/ was built into, with the profile's
 * data put into it.
 *
 * Names from the program are data: they travel as JSON in which no "<" is left, and the page's
 * script only ever writes them as text.
 *
 * A page has to stay small enough for a mail and a browser. Each part of it has a bound of its own,
 * and hardly a profile reaches several. One that does is written anew with less of everything: of
 * what is left out there is a number wherever it belongs.
 */
#include "page_parts.h"
#include "page_shell.h"

#include <stdlib.h>

#define PAGE_BYTES 5000000u
#define ATTEMPTS 6

static void put_data(struct page_out *page, const char *command) {
    page_begin(page, '{');
    page_put_text(page, "schema", "holdfast.page/1");
    page_put_run(page, command);
    page_put_text(page, "view", view_names[page->options->view]);
    page_put_number(page, "share", page->share * 100 / PAGE_WHOLE);
    page_put_processes(page);
    page_put_regions(page);
    page_put_trees(page);
    page_put_time(page);
    page_put_spans(page);
    page_put_turnover(page);
    page_put_drag(page);
    page_put_holders(page);
    page_put_shared(page);
    page_end(page, '}');
}

static char *write_page(const struct profile *profile, const struct report_options *options,
                        const char *command, uint32_t share, size_t *size) {
    struct page_out page;
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    bool good = page_out_open(&page, profile, options, out);
    page.share = share;
    if (good) {
        page_shell_open(out, command);
        put_data(&page, command);
        page_shell_close(out);
        good = !page.failed && !ferror(out);
    }
    page_out_release(&page);
    if (fclose(out) == 0 && good)
        return text;
    free(text);
    return NULL;
}

struct attempt {
    uint32_t share;
    size_t size;
};

/* A share with which it should fit: in proportion at first, then along the line through the last
 * two attempts, as some of it does not get less. */
static uint32_t less(const struct attempt *before, const struct attempt *last) {
    const int64_t wanted = (int64_t)PAGE_BYTES / 16 * 15, size = (int64_t)last->size;
    int64_t share = last->share * wanted / size;
    if (before->size > last->size)
        share = last->share -
                (size - wanted) * (before->share - last->share) / ((int64_t)before->size - size);
    return share >= last->share ? last->share - 1 : share > 1 ? (uint32_t)share : 1;
}

bool report_page(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct report_options whole = *options;
    char *command = page_command(profile, profile->command, profile->command_count), *text = NULL;
    struct attempt before = {0}, last = {.share = PAGE_WHOLE};
    whole.holding = true;
    for (int i = 0; i < ATTEMPTS && command; i++) {
        free(text);
        text = write_page(profile, &whole, command, last.share, &last.size);
        if (!text || last.size <= PAGE_BYTES || last.share == 1)
            break;
        uint32_t share = less(&before, &last);
        before = last;
        last.share = share;
    }
    bool good = text && fwrite(text, 1, last.size, out) == last.size && !ferror(out);
    free(text);
    free(command);
    return good;
}

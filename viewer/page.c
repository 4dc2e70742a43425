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

struct attempt {
    uint32_t share;
    size_t size;
};

static char *write_page(const struct profile *profile, const struct report_options *options,
                        struct page_found *found, const char *command, struct attempt *attempt) {
    struct page_out page;
    char *text = NULL;
    FILE *out = open_memstream(&text, &attempt->size);
    if (!out)
        return NULL;
    bool good = page_out_open(&page, profile, options, out);
    page.found = found;
    page.share = attempt->share;
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

/* The page in PAGE_BYTES, or with as little as there can be. NULL when memory ran out. */
static char *write_fitting(const struct profile *profile, const struct report_options *options,
                           struct page_found *found, const char *command, size_t *size) {
    struct attempt before = {0}, last = {.share = PAGE_WHOLE};
    char *text = NULL;
    for (int i = 0; i < ATTEMPTS; i++) {
        free(text);
        text = write_page(profile, options, found, command, &last);
        if (!text || last.size <= PAGE_BYTES || last.share == 1)
            break;
        uint32_t share = less(&before, &last);
        before = last;
        last.share = share;
    }
    *size = last.size;
    return text;
}

static void free_all(struct findings **list, uint32_t count) {
    for (uint32_t i = 0; list && i < count; i++)
        findings_free(list[i]);
    free(list);
}

bool report_page(const struct profile *profile, const struct report_options *options, FILE *out) {
    struct report_options whole = *options;
    const size_t count = profile->process_count + 1ul;
    struct findings **own = calloc(count, sizeof *own);
    struct page_found found = {.leaks = calloc(count, sizeof *found.leaks)};
    char *command = page_command(profile, profile->command, profile->command_count), *text = NULL;
    size_t size = 0;
    whole.holding = true;
    if (!whole.kept)
        whole.kept = own;
    if (command && own && found.leaks)
        text = write_fitting(profile, &whole, &found, command, &size);
    bool good = text && fwrite(text, 1, size, out) == size && !ferror(out);
    free_all(own, profile->process_count);
    free_all(found.leaks, profile->process_count);
    page_regions_forget(&found, profile->region_count);
    free(text);
    free(command);
    return good;
}

/* References that were taken and not given back (run --refs), for the page. */
#include "page_parts.h"

#include "leaks.h"

#define LEAKS_SHOWN 20u
#define SENTENCE_SIZE 400u

static void put_leak(struct page_out *page, const struct leak *leak) {
    char sentence[SENTENCE_SIZE];
    leak_sentence(leak, sentence, sizeof sentence);
    page_begin(page, '{');
    page_put_text(page, "module", leak_module(leak));
    page_put_text(page, "type", leak->type);
    page_put_text(page, "sentence", sentence);
    page_put_number(page, "references", leak->references);
    page_put_number(page, "objects", leak->objects);
    page_put_number(page, "bytes", leak->bytes);
    page_put_text(page, "advice", leak_advice(leak));
    page_key(page, "stack");
    page_stack(page, leak->node);
    page_end(page, '}');
}

static void put_late(struct page_out *page, const struct leak_late *late,
                     const struct findings *findings) {
    char sentence[SENTENCE_SIZE];
    leak_late_sentence(page->profile, late, findings, sentence, sizeof sentence);
    page_begin(page, '{');
    page_put_text(page, "sentence", sentence);
    page_key(page, "stack");
    page_stack(page, late->count->node);
    page_end(page, '}');
}

static void put_all_late(struct page_out *page, uint32_t process, const struct findings *findings) {
    struct leak_late late[LEAKS_LATE];
    uint32_t count = leaks_late(page->profile, process, findings, late);
    page_key(page, "lateReferences");
    page_begin(page, '[');
    for (uint32_t i = 0; i < count && i < LEAKS_LATE && i < page_limit(page, LEAKS_SHOWN); i++)
        put_late(page, &late[i], findings);
    page_end(page, ']');
}

void page_put_leaks(struct page_out *page, uint32_t process) {
    struct findings **found = &page->found->leaks[process], *findings;
    char scope[SENTENCE_SIZE] = "";
    if (!*found)
        *found = leaks_open(page->profile, process);
    findings = *found;
    struct leaks_seen seen = leaks_seen(page->profile, process, findings);
    if (seen.known)
        leaks_scope(&seen, scope, sizeof scope);
    page_put_text(page, "leakScope", scope);
    page_key(page, "leaks");
    page_begin(page, '[');
    for (uint32_t i = 0; findings && i < findings->leak_count && i < page_limit(page, LEAKS_SHOWN);
         i++)
        put_leak(page, &findings->leaks[i]);
    page_end(page, ']');
    put_all_late(page, process, findings);
}

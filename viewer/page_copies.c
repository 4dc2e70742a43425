/* Buffers with the same content, for the page. */
#include "page_parts.h"

#include "copies.h"
#include "held.h"

#define COPIES_SHOWN 20u
#define TITLE_SIZE 200u

static void put_buffer(struct page_out *page, const struct copied_buffer *buffer) {
    page_begin(page, '{');
    page_put_number(page, "bytes", buffer->bytes);
    page_put_text(page, "type", buffer->type);
    page_put_text(page, "detail", buffer->detail);
    page_put_text(page, "path", buffer->path);
    page_put_flag(page, "part", buffer->part);
    page_put_number(page, "offset", buffer->offset);
    page_key(page, "stack");
    page_stack(page, buffer->node);
    page_end(page, '}');
}

static void put_copies(struct page_out *page, const struct copies *copies) {
    char title[TITLE_SIZE];
    copies_title(copies, title, sizeof title);
    page_begin(page, '{');
    page_put_text(page, "title", title);
    page_put_number(page, "saves", copies->saves);
    page_put_number(page, "count", copies->count);
    page_put_text(page, "advice", copies->advice);
    page_key(page, "buffers");
    page_begin(page, '[');
    for (uint32_t i = 0; i < copies->listed; i++)
        put_buffer(page, &copies->buffers[i]);
    page_end(page, ']');
    page_end(page, '}');
}

void page_put_copies(struct page_out *page, const struct findings *findings) {
    uint32_t count = copies_told(findings, held_peak(page->profile, findings));
    if (page->options->region)
        count = 0;
    page_put_number(page, "copyCount", count);
    page_put_flag(page, "copiesCut", findings->copies_cut && !page->options->region);
    page_key(page, "copies");
    page_begin(page, '[');
    for (uint32_t i = 0; i < count && i < page_limit(page, COPIES_SHOWN); i++)
        put_copies(page, &findings->copies[i]);
    page_end(page, ']');
}

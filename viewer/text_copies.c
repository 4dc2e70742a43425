/* Buffers with the same content, in the text report. */
#include "copies.h"
#include "format.h"
#include "held.h"
#include "text.h"

#include <stdlib.h>

#define SHOWN 3u
#define SHOWN_BRIEFLY 1u
#define BUFFERS_SHOWN 3u
#define INDENT 12u
#define PATH_WIDTH 90u
#define TITLE_SIZE 200u
#define COPIES_CUT "not all big buffers were compared with each other: there may be more copies"

static void put_buffers(const struct copies *copies, FILE *out) {
    uint32_t shown = copies->listed < BUFFERS_SHOWN ? copies->listed : BUFFERS_SHOWN;
    for (uint32_t i = 0; i < shown; i++) {
        fputs(i == 0 ? ": held by " : i + 1 == copies->count ? " and " : ", ", out);
        format_escaped(out, copies->buffers[i].path, "", PATH_WIDTH);
    }
    if (copies->count > shown)
        fprintf(out, " and %u more", copies->count - shown);
}

static bool put_copies(struct text *text, const struct copies *copies) {
    char title[TITLE_SIZE], *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return false;
    copies_title(copies, title, sizeof title);
    fputs(title, out);
    put_buffers(copies, out);
    fputs(copies->parts ? "; a view of the first would do" : "; one of them would do", out);
    bool good = fclose(out) == 0;
    if (good) {
        fprintf(text->out, "  %8s  ", format_bytes(copies->saves).text);
        text_wrap(text, INDENT, INDENT, line);
    }
    free(line);
    if (good && text->airy) {
        fprintf(text->out, "%*sway out: ", (int)INDENT, "");
        text_wrap(text, INDENT + 9, INDENT + 9, copies->advice);
    }
    return good;
}

/* What is not here. */
static void put_others(struct text *text, uint32_t others) {
    if (others > 0) {
        fprintf(text->out, "%*sand %s of buffers with the same content", (int)INDENT, "",
                format_count(others, "more set").text);
        text_line_end(text);
    }
    if (text->airy && text->findings->copies_cut) {
        fprintf(text->out, "%*s", (int)INDENT, "");
        text_wrap(text, INDENT, INDENT, COPIES_CUT);
    }
}

bool text_put_copies(struct text *text) {
    const struct findings *findings = text->findings;
    uint32_t most = text->airy ? SHOWN : SHOWN_BRIEFLY;
    uint32_t count = copies_told(findings, held_peak(text->model->profile, findings));
    if (text->options->region)
        return true;
    for (uint32_t i = 0; i < count && i < most; i++)
        if (!put_copies(text, &findings->copies[i]))
            return false;
    put_others(text, count > most ? count - most : 0);
    return true;
}

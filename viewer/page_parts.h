/* The parts of the page's data, one file each. Each writes one or more keys with their values. */
#ifndef HOLDFAST_VIEWER_PAGE_PARTS_H
#define HOLDFAST_VIEWER_PAGE_PARTS_H

#include "holders.h"
#include "page_out.h"

#define PAGE_PROCESSES 1000u /* that are listed */
#define PAGE_OWN_PEAKS 12u   /* of which the stacks at their own peaks are there */

/* The run, its warnings, and its processes. */
void page_put_run(struct page_out *page, const char *command);
void page_put_processes(struct page_out *page);

/* "regions": those that programs marked; what was found for them is kept until it is forgotten. */
void page_put_regions(struct page_out *page);
void page_regions_forget(struct page_found *found, uint32_t region_count);

/* "trees": the stacks at the peak of the tree, by process, and at those of single processes. */
void page_put_trees(struct page_out *page);

/* "turnover": what was allocated in the whole run, and what was live at its end. */
void page_put_turnover(struct page_out *page);

/* "drag": how long big blocks lay untouched. */
void page_put_drag(struct page_out *page);

/* "spans" and "spanStacks". */
void page_put_spans(struct page_out *page);

/* "timelines", "collections" and "snapshots". */
void page_put_time(struct page_out *page);

/* "holders": who held the memory, by process. */
void page_put_holders(struct page_out *page);

/* "leaks" and "leakScope": references that a process has lost, and what could be seen of them. */
void page_put_leaks(struct page_out *page, uint32_t process);
void page_put_copies(struct page_out *page, const struct findings *findings);

/* "holding": all that was live by what holds it; null when that is not known. */
void page_put_holding(struct page_out *page, const struct findings *findings);

/* Of one that is not, the page can tell neither the name nor the peak. */
static inline bool page_lists(uint32_t process) {
    return process < PAGE_PROCESSES;
}

/* The listed processes with the highest peaks, the highest first; returns how many. */
uint32_t page_own_peaks(const struct page_out *page, uint32_t list[PAGE_OWN_PEAKS]);

/* A command as one would type it; to be freed. NULL when memory ran out. */
char *page_command(const struct profile *profile, const string_id *words, uint32_t count);

#endif

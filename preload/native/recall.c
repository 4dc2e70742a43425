/* See recall.h. */
#include "recall.h"

#include <string.h>

/* See struct recalled. */
#define REST_MAX 31u

/* What was kept in vain is kept ever more rarely. */
static bool is_worth(struct recalled *stack) {
    if (stack->rest > 0) {
        stack->rest--;
        return false;
    }
    if (!stack->node || stack->was_found)
        stack->rested = 0;
    else if (stack->rested < REST_MAX)
        stack->rested = (uint8_t)(stack->rested * 2 + 1);
    stack->rest = stack->rested;
    return true;
}

/* The stack that begins like this one, and is of no use as it is; NULL: none. Others that begin
 * like it may be of use. */
static struct recalled *find_unused(struct recalled *row, const struct recall_call *call) {
    for (struct recalled *stack = row; stack < row + RECALL_WAYS; stack++)
        if (recall_is_call(&stack->call, call) && !stack->is_in_use)
            return stack;
    return NULL;
}

/* What is in use gives its place only to the second that wants it. */
static void take_place(struct recalled *row, const struct recall_call *call) {
    struct recalled *stack = row;
    while (stack < row + RECALL_WAYS && stack->is_in_use)
        stack++;
    for (uint32_t i = 0; stack == row + RECALL_WAYS && i < RECALL_WAYS; i++)
        row[i].is_in_use = false;
    stack = stack < row + RECALL_WAYS ? stack : row;
    *stack = (struct recalled){.call = *call};
}

/* That it is in use is to be seen again before the next one that begins like it. */
static void put_to_proof(struct recalled *row, const struct recall_call *call) {
    for (struct recalled *stack = row; stack < row + RECALL_WAYS; stack++)
        if (recall_is_call(&stack->call, call))
            stack->is_in_use = false;
}

bool recall_begin(struct recall *recall, const struct recall_call *call) {
    struct recalled *row = recall_row(recall, call);
    recall->kept = find_unused(row, call);
    if (!recall->kept)
        take_place(row, call);
    put_to_proof(row, call);
    if (!recall->kept || !is_worth(recall->kept))
        return false;
    recall->kept->node = 0;
    uint64_t left = RECALL_WORDS - recall->end % RECALL_WORDS;
    recall->begin = recall->end += left < RECALL_WORDS_EACH ? left : 0;
    return true;
}

bool recall_add(struct recall *recall, const void *place) {
    if (recall->end - recall->begin == RECALL_WORDS_EACH)
        return false;
    recall->words[recall->end++ % RECALL_WORDS] =
        (struct recall_word){place, *(const uint64_t *)place};
    return true;
}

void recall_keep(struct recall *recall, const struct recall_call *call, bool by_frame_pointer,
                 uint32_t node) {
    struct recalled *stack = recall->kept;
    stack->call = *call;
    stack->begin = recall->begin;
    stack->count = (uint32_t)(recall->end - recall->begin);
    stack->node = node;
    stack->by_frame_pointer = by_frame_pointer;
    stack->was_found = false;
    if (!node)
        stack->rest = REST_MAX;
}

void recall_forget(struct recall *recall) {
    memset(recall->stacks, 0, sizeof recall->stacks);
}

/* What a heap graph has of references that are lost, and of those that modules have taken (--refs);
 * and of buffers with the same content.
 */
#include "graph_reader.h"

static void read_lost(struct reader *reader) {
    struct graph_lost lost;
    lost.object = name_object(get(reader, GRAPH_LOST));
    lost.references = get(reader, GRAPH_LOST);
    struct graph_lost *row = reader_good(reader) ? table_add(reader, TABLE_LOST) : NULL;
    if (row)
        *row = lost;
}

static void read_take(struct reader *reader) {
    struct graph_take take;
    take.object = name_object(get(reader, GRAPH_TAKES));
    take.module = get_text(reader, GRAPH_TAKES);
    take.taker = get_u32(reader, GRAPH_TAKES);
    take.references = get(reader, GRAPH_TAKES);
    struct graph_take *row = reader_good(reader) ? table_add(reader, TABLE_TAKES) : NULL;
    if (row)
        *row = take;
}

static void read_balance(struct reader *reader) {
    struct graph_balance balance;
    balance.module = get_text(reader, GRAPH_BALANCES);
    balance.type = get_text(reader, GRAPH_BALANCES);
    balance.taken = get(reader, GRAPH_BALANCES);
    balance.given = get(reader, GRAPH_BALANCES);
    balance.ended = get(reader, GRAPH_BALANCES);
    struct graph_balance *row = reader_good(reader) ? table_add(reader, TABLE_BALANCES) : NULL;
    if (row)
        *row = balance;
}

static void read_seen(struct reader *reader) {
    struct graph_seen seen = {.told = true};
    seen.whole = get(reader, GRAPH_SEEN) == 1;
    seen.modules = get(reader, GRAPH_SEEN);
    seen.calling = get(reader, GRAPH_SEEN);
    seen.left_out = get(reader, GRAPH_SEEN);
    seen.deaths = get(reader, GRAPH_SEEN) == 1;
    if (reader_good(reader))
        reader->graph->seen = seen;
}

static void read_copy(struct reader *reader) {
    struct graph_copy copy = {0};
    copy.object = name_object(get(reader, GRAPH_COPIES));
    copy.of = name_object(get(reader, GRAPH_COPIES));
    uint64_t place = get(reader, GRAPH_COPIES);
    copy.part = place > 0;
    copy.offset = place > 0 ? place - 1 : 0;
    copy.bytes = get(reader, GRAPH_COPIES);
    if (reader_good(reader) && copy.object == 0) {
        reader->graph->copies_cut = true;
        return;
    }
    struct graph_copy *row = reader_good(reader) ? table_add(reader, TABLE_COPIES) : NULL;
    if (row)
        *row = copy;
}

void read_refs(struct reader *reader) {
    reader_rows(reader, GRAPH_LOST, read_lost);
    reader_rows(reader, GRAPH_TAKES, read_take);
    reader_rows(reader, GRAPH_BALANCES, read_balance);
    reader_rows(reader, GRAPH_SEEN, read_seen);
    reader_rows(reader, GRAPH_COPIES, read_copy);
}

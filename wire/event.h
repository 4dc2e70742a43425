/* The events in a ring: how they are encoded, and what their order means.
 *
 * A record is one or more 64-bit words in native byte order. Word 0 holds
 *
 *     bits 60..63  operation (enum event_op); 0 is invalid, so zeroed memory never decodes
 *     bit  59      a ticket word follows word 0
 *     bits 57..58  kind of block (enum block_kind)
 *     bits 48..56  nine bits that depend on the operation ("aux")
 *     bits  0..47  an address or number ("value")
 *
 * Glossary
 *   node     a stack, as a path in the ring's own trie: node = (parent node, code, position). Node
 * 0 is the empty stack. Each thread's stacks hang below a thread node. Node and code numbers belong
 * to the ring that defines them, are handed out in sequence from 1, and are defined in that ring
 * before they are used there. ticket   a number from session_page.ticket. Orders events across
 * rings and processes. kind     which family of functions a block belongs to.
 *
 * Order. Events of one ring happened in the ring's order. Events about large blocks carry a ticket;
 * others need none while their writer sees that nobody has taken a ticket since it knew itself to
 * be in order:
 *
 *   - In the GIL's ring, a NOTE(n) says that all that follows happened after every ticket below n
 *     had been taken. It is enough while no thread's ring goes without tickets.
 *   - A thread's ring takes a ticket with each event, and tries now and then to be alone: it says
 *     so to the GIL's writer (process.alone), takes one more ticket, stores that one in
 *     ring.alone_since, and goes without for as long as the next ticket is not taken.
 *   - The GIL's writer, when it finds that tickets were taken and that somebody may be alone, takes
 *     one itself, for a NOTE: then nobody is.
 *
 * So each event stands behind a ticket: its own, or the last one that its ring has taken or noted.
 * Of two events of different rings of one process of which one happened before the other, that one
 * stands behind an earlier ticket, or behind the same that the other's ring has only noted. An
 * event without one may be committed late, when tickets that were taken meanwhile have been read:
 * nothing that happened after it has been committed then. A free is published before the real call
 * and an allocation after it, so an address is never seen taken before it was seen released.
 *
 * Sizes. A free names only an address; the collector knows the rest. Blocks whose address does not
 * fit 48 bits are not traced (counted in region.dropped).
 */
#ifndef HOLDFAST_WIRE_EVENT_H
#define HOLDFAST_WIRE_EVENT_H

#include <assert.h>
#include <stdint.h>

enum event_op {
    /* value: address; aux FREE_TOLD: one more word, of free_word() */
    EVENT_FREE = 1,

    /* value: address; words: size_node(); aux EVENT_WIDE: one more word with the size */
    EVENT_ALLOC = 2,

    /* A reallocation is a pair in one ring, with only definitions (NODE, TEXT, CODE, NOTE) between
     * its halves. BEGIN, before the real call: the block at `value` can no longer be found by its
     * address but still counts. END, after it: as ALLOC with the new address; value 0: the call
     * failed and the old block lives on; aux REALLOC_FREED: it was freed (size 0). aux
     * REALLOC_REMAPPED: the pages moved, so that old and new never existed side by side. */
    EVENT_REALLOC_BEGIN = 3,
    EVENT_REALLOC_END = 4,

    /* Mappings; all lengths in bytes, whole pages. MAP replaces whatever it covers (MAP_FIXED),
     * UNMAP may split mappings or span several. mremap is a pair in one ring, like a reallocation:
     * an UNMAP with UNMAP_HELD, before the call, takes the range's pieces out of the address map
     * but leaves them counted; the REMAP after it puts them down at their new place, resized (the
     * last piece grows or the end is cut off), or back where they were when the call failed. A
     * munmap that failed has such a REMAP too: what its UNMAP had ended counts again. An UNMAP of
     * length 0 is for the one piece that starts there, if it is shared: shmdt tells no length. */
    EVENT_MAP = 5,     /* value: start; aux: enum mapping_class; words: length, node */
    EVENT_UNMAP = 6,   /* value: start; aux: UNMAP_HELD or 0; words: length */
    EVENT_REMAP = 7,   /* value: new start, 0 when it failed; words: new length, node */
    EVENT_PROTECT = 8, /* value: start; aux: enum protect_kind; words: length, node */

    /* Definitions */
    EVENT_NODE =
        9, /* value: node number; aux: enum node_kind; words: parent << 32 | code, position */
    EVENT_TEXT = 10, /* value: bytes (at most EVENT_TEXT_MAX); the bytes, padded to whole words.
                        Texts gather until the next CODE or MARK takes them. */
    EVENT_CODE = 11, /* value: code number; words: first line << 32 | enum line_table;
                        name bytes << 32 | file bytes; table bytes. Its texts are name, file, line
                        table, one after the other. */

    EVENT_NOTE = 12, /* value: the ticket counter, as read just before the next event; with a
                        ticket: nothing */
    EVENT_MARK = 13, /* aux: enum mark; value depends on it */
    EVENT_PAD = 14,  /* value: bytes to skip, word 0 included */
    /* A snapshot is taken now, just before an allocation. Always with a ticket. value: the
     * snapshot's number in its process, from 1; aux: enum profile_snapshot_reason; words: bytes
     * that are about to be allocated, their node. */
    EVENT_SNAPSHOT = 15,
};

enum block_kind { BLOCK_HEAP = 0, BLOCK_PYTHON = 1, BLOCK_MAPPED = 2 };

enum event_aux {
    EVENT_WIDE = 1,
    REALLOC_REMAPPED = 2,
    REALLOC_FREED = 4,
    UNMAP_HELD = 1,
    FREE_TOLD = 1
};

/* What else is told of a FREE in a session with lifetimes. */
enum free_flags {
    FREE_COLLECTING = 1, /* the cycle collector was at work then */
    FREE_NO_GIL = 2,     /* by a thread that had no Python state then, beside an interpreter */
    FREE_FINALIZING = 4, /* the interpreter was being taken down */
    FREE_FLAGS = 255,
};

/* ... and which type the object had whose block it was: a number of MARK_TYPE. */
#define FREE_TYPE_SHIFT 8u
#define FREE_TYPE_NONE 0u       /* no object, as far as could be seen */
#define FREE_TYPE_REST 0xfffffu /* one of those that had no number left for them */
#define FREE_TYPES_MAX 65535u   /* of a process */

enum mapping_class {
    MAPPING_COUNTED = 0, /* private anonymous memory that can be touched: part of the peak */
    MAPPING_RESERVED,    /* PROT_NONE: listed apart */
    MAPPING_FILE,        /* of a file: listed apart */
    MAPPING_SHARED,      /* shared anonymous, shm, memfd: listed apart */
    MAPPING_ARENA, /* taken by Python's small-object allocator, whose blocks are counted one by one
                    */
};

enum protect_kind {
    PROTECT_NONE,    /* made inaccessible: reserved memory from now on */
    PROTECT_USABLE,  /* made accessible: reserved private memory counts from now on */
    PROTECT_DISCARD, /* pages given back (MADV_DONTNEED and the like): no longer in use */
};

enum node_kind {
    NODE_FRAME = 0,  /* position: instruction, in bytes from the code's start; -2: not yet begun */
    NODE_THREAD = 1, /* parent and code 0; position: thread id */
};

/* LINES_MODULE: not a code object but a file of native code, which was mapped then. Its name is the
 * file's path, its file the build's id in hexadecimal, and a node's position is an address as the
 * file has it, as an unsigned number: of a byte of the instruction that has called. */
enum line_table { LINES_LNOTAB = 0, LINES_310 = 1, LINES_311 = 2, LINES_MODULE = 3 };

enum mark {
    MARK_EXEC = 1,        /* about to replace the image */
    MARK_EXEC_FAILED = 2, /* that failed: everything is as it was */
    MARK_REAPED = 3,      /* value: wait status (16 bits) << 32 | pid of a child whose death the
                              program has just learnt */
    MARK_THREAD_NAME = 4, /* value: thread id; gathered text: its name */
    MARK_EXIT = 5,        /* value: exit status; the process is about to end itself */
    /* What allocates from here on belongs to a region that the program marks. value: thread id <<
     * MARK_REGION_BITS | the region's number in its process, not 0; gathered text: its name. _ALL:
     * of all threads. */
    MARK_REGION_BEGIN = 6,
    MARK_REGION_BEGIN_ALL = 7,
    MARK_REGION_END = 8, /* value: as that region's begin, from any thread */
    /* A region of one thread is left for a while, and goes on: what happens in between is not in
     * it. Value: as its end, and as a begin, with the thread that it goes on in. */
    MARK_REGION_PAUSE = 9,
    MARK_REGION_RESUME = 10,
    /* With session_page.refs: this stack has taken a reference. Value: a number << 32 | its node.
     * By these numbers, from 1 in a row, heap graphs of this process name it. */
    MARK_TAKER = 11,
    /* Objects of this type are freed, with session_page.lifetimes. Value: type_value(); gathered
     * text: its name. */
    MARK_TYPE = 12,
    /* What of Python's blocks lives now is about to be asked for (JOIN_LIVING), with
     * session_page.lifetimes. Value: the question's number, from 1 in a row. */
    MARK_LIVING = 13,
};

enum freed_type_flags {
    FREED_FINALIZER = 1, /* its objects have a finalizer: a __del__, or native code */
    FREED_DEL = 2,       /* a __del__ of Python code */
};

#define LIVING_ASKS_MAX 16u /* of a process: each costs a look at all of its blocks */
#define MARK_REGION_BITS 24u
#define MARK_REGION_NUMBERS ((1u << MARK_REGION_BITS) - 1)

#define EVENT_TICKET_BIT (1ull << 59)
#define EVENT_VALUE_MASK ((1ull << 48) - 1)
#define EVENT_TEXT_MAX 2048u
#define EVENT_MAX_WORDS (2u + EVENT_TEXT_MAX / 8u)

#define TYPE_NAME_MAX 240u /* bytes; of a longer one, no more is told */

/* A type's number in its process, from 1; and the least that a block of such an object has. */
#define TYPE_NUMBER_BITS 16u
#define TYPE_FLAG_BITS 4u
#define TYPE_SIZE_MAX ((1ull << (48 - TYPE_NUMBER_BITS - TYPE_FLAG_BITS)) - 1)

static inline uint64_t type_value(uint32_t number, unsigned flags, uint64_t size) {
    return (size < TYPE_SIZE_MAX ? size : TYPE_SIZE_MAX) << (TYPE_NUMBER_BITS + TYPE_FLAG_BITS) |
           (uint64_t)flags << TYPE_NUMBER_BITS | number;
}

static inline uint64_t event_word(enum event_op op, unsigned kind, unsigned aux, uint64_t value) {
    return (uint64_t)op << 60 | (uint64_t)(kind & 3u) << 57 | (uint64_t)(aux & 511u) << 48 |
           (value & EVENT_VALUE_MASK);
}

static inline unsigned event_op(uint64_t word) {
    return (unsigned)(word >> 60);
}

static inline unsigned event_kind(uint64_t word) {
    return (unsigned)(word >> 57) & 3u;
}

static inline unsigned event_aux(uint64_t word) {
    return (unsigned)(word >> 48) & 511u;
}

static inline uint64_t event_value(uint64_t word) {
    return word & EVENT_VALUE_MASK;
}

/* The second word of ALLOC and REALLOC_END. A size of 4 GiB or more goes into a word of its own,
 * and the low half is then EVENT_SIZE_WIDE. */
#define EVENT_SIZE_WIDE 0xffffffffu

static inline uint64_t event_size_node(uint32_t node, uint64_t size) {
    return (uint64_t)node << 32 | (size < EVENT_SIZE_WIDE ? size : EVENT_SIZE_WIDE);
}

/* The second word of a FREE that is told: where it was, 0 unknown, enum free_flags, and the type of
 * the object. */
static inline uint64_t free_word(uint32_t node, unsigned flags, uint32_t type) {
    return (uint64_t)node << 32 | type << FREE_TYPE_SHIFT | flags;
}

/* Words of a record that starts with `word`, its ticket word included; 0 for an invalid one. */
static inline uint32_t event_words(uint64_t word) {
    uint32_t ticket = (word & EVENT_TICKET_BIT) != 0;
    switch (event_op(word)) {
    case EVENT_FREE:
        return 1 + ticket + ((event_aux(word) & FREE_TOLD) != 0);
    case EVENT_REALLOC_BEGIN:
    case EVENT_NOTE:
    case EVENT_MARK:
        return 1 + ticket;
    case EVENT_ALLOC:
    case EVENT_REALLOC_END:
        return 2 + ticket + ((event_aux(word) & EVENT_WIDE) != 0);
    case EVENT_UNMAP:
        return 2 + ticket;
    case EVENT_MAP:
    case EVENT_REMAP:
    case EVENT_PROTECT:
    case EVENT_NODE:
    case EVENT_SNAPSHOT:
        return 3 + ticket;
    case EVENT_CODE:
        return 4 + ticket;
    case EVENT_TEXT:
        if (event_value(word) > EVENT_TEXT_MAX)
            return 0;
        return 1 + ticket + (uint32_t)((event_value(word) + 7) / 8);
    case EVENT_PAD:
        if (event_value(word) < 8 || event_value(word) % 8 != 0 || event_value(word) >= (1u << 30))
            return 0;
        return (uint32_t)(event_value(word) / 8);
    default:
        return 0;
    }
}

#endif

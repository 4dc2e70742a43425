/* See cfi.h. A description (FDE) has what is common to many in another (CIE), and a program that
 * says, row by row, what changes as the instructions go on. */
#include "cfi.h"

#include <string.h>

#define REMEMBERED_MAX 8u
#define STACK_MAX 32u
#define OPERATIONS_MAX 1000u

/* Bytes that are being read. Once `failed` is set every read gives 0. */
struct bytes {
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t take(struct bytes *bytes, size_t size) {
    uint64_t value = 0;
    if ((size_t)(bytes->end - bytes->at) < size) {
        bytes->failed = true;
        bytes->at = bytes->end;
        return 0;
    }
    memcpy(&value, bytes->at, size);
    bytes->at += size;
    return value;
}

static uint64_t take_unsigned(struct bytes *bytes) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = take(bytes, 1);
        value |= (byte & 127) << shift;
        if (!(byte & 128))
            break;
    }
    return value;
}

static int64_t take_signed(struct bytes *bytes) {
    uint64_t value = 0, byte = 128;
    unsigned shift = 0;
    for (; (byte & 128) && shift < 64; shift += 7) {
        byte = take(bytes, 1);
        value |= (byte & 127) << shift;
    }
    if ((byte & 64) && shift < 64)
        value |= ~0ull << shift;
    return (int64_t)value;
}

static const uint8_t *skip(struct bytes *bytes, uint64_t size) {
    const uint8_t *at = bytes->at;
    if ((uint64_t)(bytes->end - at) < size) {
        bytes->failed = true;
        size = (uint64_t)(bytes->end - at);
    }
    bytes->at += size;
    return at;
}

/* -- Encoded pointers (LSB, 10.5.1): the low four bits say how many bytes, the next from where. */

#define ENCODING_OMITTED 0xffu

static uint64_t take_encoded(struct bytes *bytes, unsigned encoding) {
    uintptr_t place = (uintptr_t)bytes->at;
    uint64_t value;
    switch (encoding & 15u) {
    case 0: /* a pointer */
    case 4:
    case 12:
        value = take(bytes, 8);
        break;
    case 1:
        value = take_unsigned(bytes);
        break;
    case 2:
        value = take(bytes, 2);
        break;
    case 3:
        value = take(bytes, 4);
        break;
    case 9:
        value = (uint64_t)take_signed(bytes);
        break;
    case 10:
        value = (uint64_t)(int16_t)take(bytes, 2);
        break;
    case 11:
        value = (uint64_t)(int32_t)take(bytes, 4);
        break;
    default:
        bytes->failed = true;
        return 0;
    }
    unsigned from = encoding & 0x70u;
    if (from != 0 && from != 0x10)
        bytes->failed = true;
    return from == 0x10 ? value + place : value;
}

/* -- Descriptions -- */

/* Of a CIE. */
struct common {
    uint64_t code_factor;
    int64_t data_factor;
    uint64_t return_column;
    unsigned pointer_encoding;
    bool sized; /* its FDEs have augmentation data */
    bool signal;
    struct bytes program;
};

/* What follows the length at `at`; false for what is not in .eh_frame on x86-64. */
static bool open_entry(const uint8_t *at, struct bytes *bytes) {
    uint32_t length;
    memcpy(&length, at, sizeof length);
    *bytes = (struct bytes){at + 4, at + 4 + length, false};
    return length >= 4 && length < 0xfffffff0u;
}

static void read_augmentation(struct bytes *bytes, const char *letters, struct common *common) {
    if (*letters != 'z')
        return;
    common->sized = true;
    uint64_t size = take_unsigned(bytes);
    struct bytes data = *bytes;
    skip(bytes, size);
    for (letters++; *letters && !data.failed; letters++) {
        if (*letters == 'R')
            common->pointer_encoding = (unsigned)take(&data, 1);
        else if (*letters == 'L')
            take(&data, 1);
        else if (*letters == 'P')
            take_encoded(&data, (unsigned)take(&data, 1) & 0x0fu);
        else if (*letters == 'S')
            common->signal = true;
        else
            break;
    }
}

static bool read_common(const uint8_t *at, struct common *common) {
    struct bytes bytes;
    *common = (struct common){0};
    if (!open_entry(at, &bytes) || take(&bytes, 4) != 0)
        return false;
    uint64_t version = take(&bytes, 1);
    const char *letters = (const char *)bytes.at;
    while (take(&bytes, 1) != 0 && !bytes.failed)
        continue;
    if (bytes.failed || (version != 1 && version != 3) || strncmp(letters, "eh", 2) == 0)
        return false;
    common->code_factor = take_unsigned(&bytes);
    common->data_factor = take_signed(&bytes);
    common->return_column = version == 1 ? take(&bytes, 1) : take_unsigned(&bytes);
    read_augmentation(&bytes, letters, common);
    common->program = bytes;
    return !bytes.failed;
}

/* -- Programs -- */

struct machine {
    const struct common *common;
    struct cfi_row row, initial;
    struct cfi_row remembered[REMEMBERED_MAX];
    unsigned remembered_count;
    uintptr_t location, address; /* the row is that of the instruction before the address */
};

/* Where the rule of a register is kept that is followed; else a place that nobody looks at. */
static struct cfi_place *place_of(struct cfi_row *row, uint64_t number, struct cfi_place *other) {
    if (number == CFI_FRAME_POINTER)
        return &row->frame_pointer;
    return number == CFI_RETURN_ADDRESS ? &row->return_address : other;
}

static void set(struct machine *machine, uint64_t number, struct cfi_place place) {
    struct cfi_place other;
    *place_of(&machine->row, number, &other) = place;
}

static void set_offset(struct machine *machine, uint64_t number, enum cfi_how how,
                       int64_t factored) {
    set(machine, number,
        (struct cfi_place){.how = how, .offset = factored * machine->common->data_factor});
}

static void set_expression(struct machine *machine, struct bytes *bytes, enum cfi_how how) {
    uint64_t number = take_unsigned(bytes);
    uint64_t size = take_unsigned(bytes);
    set(machine, number,
        (struct cfi_place){.how = how, .expression = skip(bytes, size), .size = size});
}

static void restore(struct machine *machine, uint64_t number) {
    struct cfi_place other = {.how = CFI_SAME};
    set(machine, number, *place_of(&machine->initial, number, &other));
}

static void define_frame(struct machine *machine, uint64_t number, int64_t offset) {
    machine->row.frame_register = (unsigned)number;
    machine->row.frame = (struct cfi_place){.how = CFI_IS_OFFSET, .offset = offset};
}

static void remember(struct machine *machine, struct bytes *bytes) {
    if (machine->remembered_count == REMEMBERED_MAX)
        bytes->failed = true;
    else
        machine->remembered[machine->remembered_count++] = machine->row;
}

static void recall(struct machine *machine, struct bytes *bytes) {
    if (machine->remembered_count == 0)
        bytes->failed = true;
    else
        machine->row = machine->remembered[--machine->remembered_count];
}

static void advance(struct machine *machine, uint64_t units) {
    machine->location += units * machine->common->code_factor;
}

/* The instructions that say where the frame is. */
static bool run_frame(struct machine *machine, struct bytes *bytes, unsigned code) {
    struct cfi_row *row = &machine->row;
    uint64_t number;
    switch (code) {
    case 0x0c: /* def_cfa */
        number = take_unsigned(bytes);
        define_frame(machine, number, (int64_t)take_unsigned(bytes));
        return true;
    case 0x0d: /* def_cfa_register */
        define_frame(machine, take_unsigned(bytes), row->frame.offset);
        return true;
    case 0x0e: /* def_cfa_offset */
        row->frame.offset = (int64_t)take_unsigned(bytes);
        return true;
    case 0x0f: /* def_cfa_expression */
        number = take_unsigned(bytes);
        row->frame = (struct cfi_place){
            .how = CFI_IS_EXPRESSION, .expression = skip(bytes, number), .size = number};
        return true;
    case 0x12: /* def_cfa_sf */
        number = take_unsigned(bytes);
        define_frame(machine, number, take_signed(bytes) * machine->common->data_factor);
        return true;
    case 0x13: /* def_cfa_offset_sf */
        row->frame.offset = take_signed(bytes) * machine->common->data_factor;
        return true;
    default:
        return false;
    }
}

/* Those that say where a register is. */
static bool run_register(struct machine *machine, struct bytes *bytes, unsigned code) {
    uint64_t number;
    switch (code) {
    case 0x05: /* offset_extended */
    case 0x14: /* val_offset */
        number = take_unsigned(bytes);
        set_offset(machine, number, code == 5 ? CFI_AT_OFFSET : CFI_IS_OFFSET,
                   (int64_t)take_unsigned(bytes));
        return true;
    case 0x11: /* offset_extended_sf */
    case 0x15: /* val_offset_sf */
        number = take_unsigned(bytes);
        set_offset(machine, number, code == 0x11 ? CFI_AT_OFFSET : CFI_IS_OFFSET,
                   take_signed(bytes));
        return true;
    case 0x06: /* restore_extended */
        restore(machine, take_unsigned(bytes));
        return true;
    case 0x07: /* undefined */
        set(machine, take_unsigned(bytes), (struct cfi_place){.how = CFI_UNDEFINED});
        return true;
    case 0x08: /* same_value */
        set(machine, take_unsigned(bytes), (struct cfi_place){.how = CFI_SAME});
        return true;
    case 0x09: /* register */
        set(machine, take_unsigned(bytes), (struct cfi_place){.how = CFI_UNKNOWN});
        take_unsigned(bytes);
        return true;
    case 0x10: /* expression */
    case 0x16: /* val_expression */
        set_expression(machine, bytes, code == 0x10 ? CFI_AT_EXPRESSION : CFI_IS_EXPRESSION);
        return true;
    default:
        return false;
    }
}

/* Those that lead to another row, and what is left. */
static void run_other(struct machine *machine, struct bytes *bytes, unsigned code) {
    switch (code) {
    case 0x00: /* nop */
        break;
    case 0x01: /* set_loc */
        machine->location = take_encoded(bytes, machine->common->pointer_encoding);
        break;
    case 0x02: /* advance_loc1, 2, 4 */
        advance(machine, take(bytes, 1));
        break;
    case 0x03:
        advance(machine, take(bytes, 2));
        break;
    case 0x04:
        advance(machine, take(bytes, 4));
        break;
    case 0x0a:
        remember(machine, bytes);
        break;
    case 0x0b:
        recall(machine, bytes);
        break;
    case 0x2e: /* GNU_args_size */
        take_unsigned(bytes);
        break;
    default:
        bytes->failed = true;
    }
}

/* Runs a program up to the row of the address. */
static bool run(struct machine *machine, struct bytes program) {
    while (program.at < program.end && !program.failed && machine->location < machine->address) {
        unsigned code = (unsigned)take(&program, 1), low = code & 63u;
        if (code >> 6 == 1) /* advance_loc */
            advance(machine, low);
        else if (code >> 6 == 2) /* offset */
            set_offset(machine, low, CFI_AT_OFFSET, (int64_t)take_unsigned(&program));
        else if (code >> 6 == 3) /* restore */
            restore(machine, low);
        else if (!run_frame(machine, &program, code) && !run_register(machine, &program, code))
            run_other(machine, &program, code);
    }
    return !program.failed;
}

static bool read_description(const uint8_t *at, uintptr_t address, struct cfi_row *row) {
    struct bytes bytes;
    struct common common;
    if (!open_entry(at, &bytes))
        return false;
    const uint8_t *place = bytes.at;
    uint64_t back = take(&bytes, 4);
    if (back == 0 || !read_common(place - back, &common) ||
        common.return_column != CFI_RETURN_ADDRESS)
        return false;
    uintptr_t start = take_encoded(&bytes, common.pointer_encoding);
    uintptr_t end = start + take_encoded(&bytes, common.pointer_encoding & 0x0fu);
    if (common.sized)
        skip(&bytes, take_unsigned(&bytes));
    if (bytes.failed || address <= start || address > end)
        return false;
    struct machine machine = {.common = &common, .address = address};
    machine.row.frame.how = CFI_UNKNOWN;
    machine.row.return_address.how = CFI_UNKNOWN;
    if (!run(&machine, common.program))
        return false;
    machine.initial = machine.row;
    machine.location = start;
    if (!run(&machine, bytes))
        return false;
    *row = machine.row;
    row->signal = common.signal;
    row->start = start;
    row->end = end;
    return row->frame.how != CFI_UNKNOWN;
}

/* -- The sorted table: (start of the function, its description), both from the table's own start.
 */

struct table_row {
    int32_t start, description;
};

bool cfi_find(const uint8_t *table, uintptr_t address, struct cfi_row *row) {
    struct bytes bytes = {table + 4, table + 64, false};
    if (table[0] != 1 || table[1] == ENCODING_OMITTED || table[2] != 3 || table[3] != 0x3b)
        return false;
    take_encoded(&bytes, table[1]);
    uint64_t count = take(&bytes, 4);
    const struct table_row *rows = (const void *)bytes.at;
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if ((uintptr_t)table + (uintptr_t)(intptr_t)rows[middle].start < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && !bytes.failed &&
           read_description(table + rows[low - 1].description, address, row);
}

/* -- Expressions -- */

struct evaluation {
    const struct cfi_registers *registers;
    cfi_reader *read;
    void *context;
    uint64_t stack[STACK_MAX];
    unsigned depth;
    struct bytes bytes;
};

static void push(struct evaluation *evaluation, uint64_t value) {
    if (evaluation->depth == STACK_MAX)
        evaluation->bytes.failed = true;
    else
        evaluation->stack[evaluation->depth++] = value;
}

static uint64_t pop(struct evaluation *evaluation) {
    if (evaluation->depth == 0) {
        evaluation->bytes.failed = true;
        return 0;
    }
    return evaluation->stack[--evaluation->depth];
}

static uint64_t register_value(struct evaluation *evaluation, uint64_t number) {
    switch (number) {
    case CFI_FRAME_POINTER:
        return evaluation->registers->frame_pointer;
    case CFI_STACK_POINTER:
        return evaluation->registers->stack_pointer;
    case CFI_RETURN_ADDRESS:
        return evaluation->registers->address;
    default:
        evaluation->bytes.failed = true;
        return 0;
    }
}

static void load(struct evaluation *evaluation) {
    uintptr_t value = 0;
    if (!evaluation->read(evaluation->context, pop(evaluation), &value))
        evaluation->bytes.failed = true;
    push(evaluation, value);
}

/* Operations on the two uppermost values. */
static bool combine(struct evaluation *evaluation, unsigned code) {
    if (code != 0x1a && code != 0x1c && code != 0x1e && code != 0x21 && code != 0x22 &&
        (code < 0x24 || code > 0x2e || code == 0x28))
        return false;
    uint64_t b = pop(evaluation), a = pop(evaluation);
    int64_t sb = (int64_t)b, sa = (int64_t)a;
    switch (code) {
    case 0x1a:
        push(evaluation, a & b);
        break;
    case 0x1c:
        push(evaluation, a - b);
        break;
    case 0x1e:
        push(evaluation, a * b);
        break;
    case 0x21:
        push(evaluation, a | b);
        break;
    case 0x22:
        push(evaluation, a + b);
        break;
    case 0x24:
        push(evaluation, b < 64 ? a << b : 0);
        break;
    case 0x25:
        push(evaluation, b < 64 ? a >> b : 0);
        break;
    case 0x26:
        push(evaluation, (uint64_t)(sa >> (b < 64 ? b : 63)));
        break;
    case 0x27:
        push(evaluation, a ^ b);
        break;
    case 0x29:
        push(evaluation, a == b);
        break;
    case 0x2a:
        push(evaluation, sa >= sb);
        break;
    case 0x2b:
        push(evaluation, sa > sb);
        break;
    case 0x2c:
        push(evaluation, sa <= sb);
        break;
    case 0x2d:
        push(evaluation, sa < sb);
        break;
    default:
        push(evaluation, a != b);
    }
    return true;
}

/* Constants, by their sizes and signs: 0x08 is an unsigned byte, 0x09 a signed one, ... */
static void push_constant(struct evaluation *evaluation, unsigned code) {
    unsigned size = 1u << ((code - 0x08) / 2), unused = 64 - size * 8;
    uint64_t value = take(&evaluation->bytes, size);
    bool is_signed = code & 1;
    push(evaluation, is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value);
}

static void operate(struct evaluation *evaluation, unsigned code) {
    struct bytes *bytes = &evaluation->bytes;
    uint64_t value;
    switch (code) {
    case 0x06:
        load(evaluation);
        break;
    case 0x10:
        push(evaluation, take_unsigned(bytes));
        break;
    case 0x11:
        push(evaluation, (uint64_t)take_signed(bytes));
        break;
    case 0x12: /* dup */
        value = pop(evaluation);
        push(evaluation, value);
        push(evaluation, value);
        break;
    case 0x13: /* drop */
        pop(evaluation);
        break;
    case 0x23: /* plus_uconst */
        value = take_unsigned(bytes);
        push(evaluation, pop(evaluation) + value);
        break;
    case 0x96: /* nop */
        break;
    default:
        bytes->failed = true;
    }
}

static bool evaluate(struct evaluation *evaluation, const struct cfi_place *place,
                     uint64_t *value) {
    struct bytes *bytes = &evaluation->bytes;
    *bytes = (struct bytes){place->expression, place->expression + place->size, false};
    for (unsigned i = 0; bytes->at < bytes->end && !bytes->failed; i++) {
        unsigned code = (unsigned)take(bytes, 1);
        if (i == OPERATIONS_MAX)
            return false;
        if (code >= 0x08 && code <= 0x0f) {
            push_constant(evaluation, code);
        } else if (code >= 0x30 && code <= 0x4f) {
            push(evaluation, code - 0x30);
        } else if (code >= 0x70 && code <= 0x8f) {
            value[0] = register_value(evaluation, code - 0x70);
            push(evaluation, value[0] + (uint64_t)take_signed(bytes));
        } else if (!combine(evaluation, code)) {
            operate(evaluation, code);
        }
    }
    *value = pop(evaluation);
    return !bytes->failed;
}

/* -- From a frame to its caller's -- */

static bool find_frame(const struct cfi_row *row, struct evaluation *evaluation, uint64_t *frame) {
    if (row->frame.how == CFI_IS_EXPRESSION)
        return evaluate(evaluation, &row->frame, frame);
    evaluation->bytes.failed = false;
    *frame = register_value(evaluation, row->frame_register) + (uint64_t)row->frame.offset;
    return !evaluation->bytes.failed;
}

/* `frame`: the frame's address; `value`: what is in the register, and then what was. */
static bool find_value(const struct cfi_place *place, struct evaluation *evaluation, uint64_t frame,
                       uintptr_t *value) {
    uint64_t at = frame + (uint64_t)place->offset;
    switch (place->how) {
    case CFI_SAME:
        return true;
    case CFI_AT_OFFSET:
        return evaluation->read(evaluation->context, at, value);
    case CFI_IS_OFFSET:
        *value = at;
        return true;
    case CFI_AT_EXPRESSION:
    case CFI_IS_EXPRESSION:
        evaluation->depth = 0;
        push(evaluation, frame);
        if (!evaluate(evaluation, place, &at))
            return false;
        *value = at;
        return place->how == CFI_IS_EXPRESSION || evaluation->read(evaluation->context, at, value);
    default:
        return false;
    }
}

bool cfi_apply(const struct cfi_row *row, struct cfi_registers *registers, cfi_reader *read,
               void *context) {
    struct cfi_registers callee = *registers;
    struct evaluation evaluation = {.registers = &callee, .read = read, .context = context};
    uint64_t frame;
    if (row->return_address.how == CFI_SAME || !find_frame(row, &evaluation, &frame) ||
        !find_value(&row->return_address, &evaluation, frame, &registers->address))
        return false;
    if (row->frame_pointer.how == CFI_UNDEFINED || row->frame_pointer.how == CFI_UNKNOWN)
        registers->frame_pointer = 0;
    else if (!find_value(&row->frame_pointer, &evaluation, frame, &registers->frame_pointer))
        return false;
    registers->stack_pointer = frame;
    return registers->address != 0;
}

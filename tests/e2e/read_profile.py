"""A second reader of profiles, written from docs/profile-format.md alone: if that page is wrong or leaves
something out, this reader and Holdfast's own disagree.

    read_profile.py FILE        prints the peaks and the biggest stacks
"""
import itertools
import struct
import subprocess
import sys
import zlib

MAGIC = b"\x89HFP\r\n\x1a\n"
END_MAGIC = b"\x89HFE\r\n\x1a\n"
TREE = 2**32 - 1
KINDS = ("heap", "python", "mapped")

LIVES = " ".join([*(f"blocks{end}" for end in range(6)), *(f"bytes{end}" for end in range(6)), "ms",
                  *(f"free{n} free_blocks{n} free_bytes{n}" for n in range(6)),
                  *(f"age{bits}" for bits in range(32)), *(f"time{bits}" for bits in range(24)),
                  "kept_blocks kept_bytes"])

# "~": signed; "+": signed, from the row before; "other+": signed, from another column of the row.
COLUMNS = {
    1: ("run", "arguments host writer started duration ~status ~signal complete peak peak_ns events"),
    3: ("functions", "name file first_line module id flags"),
    4: ("nodes", "distance function line thread"),
    5: ("processes", "pid ppid parent flags python arguments ~status ~signal start end peak peak_ns "
                     "peak_rss max_rss tree end_bytes arena reserved file shared allocations frees "
                     "events wait_ns waits dropped truncated snapshots snapshot_ns rest young middle old "
                     "collection_ns longest_collection resident resident_live "
                     "resident_arenas resident_files resident_shared resident_stacks resident_data "
                     "looks look_pace look_ns drag_left_out count_modules count_calling count_left_out"),
    6: ("sites", "process +node kind peak peak_blocks peak+tree peak_blocks+tree_blocks end end_blocks peak+total "
                 "total_blocks"),
    7: ("timelines", "process points"),
    8: ("points", "+time bytes rss"),
    9: ("sources", "+file +line +text"),
    10: ("arguments", "string"),
    11: ("warnings", "string"),
    12: ("snapshots", "process reason flags name time bytes pending pending_node blocks moment pause_ns "
                      "walk_ns copy_bytes"),
    13: ("blocks", "+address size node kind birth death idle_ns"),
    14: ("moments", "process +number bytes"),
    16: ("regions", "process parent name thread flags sites count unclosed all_kept begin end peak peak_ns kept "
                    "process_begin process_peak process_end snapshot snapshot_bytes begin_moment "
                    "made all_made all_native exit_native exit_native_blocks lag use drag void unseen drag_node drag_kind drag_node_bytes"),
    17: ("region_sites", "node kind peak peak_blocks kept kept_blocks"),
    18: ("collections", "process generation count +time duration objects freed"),
    19: ("spans", "process made_sites held_sites +end made held +held_ns"),
    20: ("span_sites", "node bytes"),
    21: ("takers", "process number node"),
    22: ("lifetimes", f"process +node kind {LIVES}"),
    23: ("types", "name flags"),
    24: ("type_lifetimes", f"process +type kind {LIVES}"),
    25: ("collected", "process +node type blocks bytes"),
    26: ("drags", "process +node kind bytes longest lag_blocks lag use_blocks use drag_blocks drag void_blocks void unseen_blocks unseen"),
    27: ("counts", "process module type taken given ended kept objects node"),
}


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self, count):
        part = self.data[self.at:self.at + count]
        assert len(part) == count
        self.at += count
        return part


# The event stream's operations: name, and the columns that hold its values in turn.
OPERATIONS = {
    1: ("alloc", "site size"), 2: ("free", "distance"), 3: ("realloc", "site size distance"),
    4: ("realloc_moved", "site size distance"), 5: ("map", "site size"), 6: ("unmap", "site size"),
    7: ("time", "number"), 8: ("process", "number"), 9: ("start", "number"), 10: ("leave", "number"),
    11: ("return", "number"),
}
EVENT_COLUMNS = ("site", "size", "distance", "number")


def unpack(path):
    """The profile's bytes and the event stream's, unpacked."""
    with open(path, "rb") as file:
        data = file.read()
    header, trailer = data[:32], data[-32:]
    assert header[:8] == MAGIC, "not a profile"
    assert trailer[24:] == END_MAGIC, "cut short"
    major, _minor = struct.unpack("<HH", header[8:12])
    assert major == 2, "needs holdfast " + header[12:28].rstrip(b"\0").decode()
    assert struct.unpack("<I", header[28:])[0] == zlib.crc32(header[:28])
    assert struct.unpack("<I", trailer[20:24])[0] == zlib.crc32(trailer[:20])
    frame, events = struct.unpack("<QQ", trailer[:16])
    assert 64 + frame + events == len(data)
    return unpack_frames(data[32:32 + frame]), unpack_frames(data[32 + frame:-32])


def unpack_frames(data):
    """Of as many frames as there are."""
    return data and subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def read_strings(cursor):
    lengths = [cursor.varint() for _ in range(cursor.varint())]
    return [""] + [cursor.take(length).decode("utf-8") for length in lengths]


def read_graphs(cursor):
    sizes = [cursor.varint() for _ in range(cursor.varint())]
    return [cursor.take(size) for size in sizes]


def read_table(cursor, names):
    rows, columns = cursor.varint(), cursor.varint()
    table = [dict.fromkeys((name.split("+")[-1].lstrip("~") for name in names), 0) for _ in range(rows)]
    for column in range(columns):
        values = [cursor.varint() for _ in range(rows)]
        if column >= len(names):
            continue
        name = names[column]
        if "~" in name or "+" in name:
            values = [value >> 1 ^ -(value & 1) for value in values]
        if name.startswith("+"):
            values = itertools.accumulate(values)
        other, _, name = name.lstrip("~").rpartition("+")
        for row, value in zip(table, values):
            row[name] = value + (row[other] if other else 0)
    return table


class Profile:
    def __init__(self, path):
        self.strings = [""]
        self.graphs = None
        for name, _ in COLUMNS.values():
            setattr(self, name, [])
        sections, self.event_stream = unpack(path)
        cursor = Cursor(sections)
        while (section := cursor.varint()) != 0:
            body = Cursor(cursor.take(cursor.varint()))
            if section == 2:
                self.strings = read_strings(body)
            elif section == 15:
                self.graphs = read_graphs(body)
            elif section in COLUMNS:
                name, columns = COLUMNS[section]
                setattr(self, name, read_table(body, columns.split()))
        assert cursor.varint() == 0 and cursor.at == len(cursor.data)
        self.run = self.run[0]
        self.functions.insert(0, None)
        self.nodes.insert(0, None)
        self.share_arguments()
        self.share_blocks()

    def share_arguments(self):
        words = [self.strings[row["string"]] for row in self.arguments]
        for owner in [self.run, *self.processes]:
            count = owner["arguments"]
            owner["command"], words = words[:count], words[count:]
        assert not words

    def share_blocks(self):
        """Gives each snapshot its `graph` and the list of its `large` blocks."""
        blocks = self.blocks
        graphs = self.graphs or [b""] * len(self.snapshots)
        assert len(graphs) == len(self.snapshots)
        for snapshot, graph in zip(self.snapshots, graphs):
            snapshot["graph"] = graph
            snapshot["large"], blocks = blocks[:snapshot["blocks"]], blocks[snapshot["blocks"]:]
            for block in snapshot["large"]:
                assert block["birth"] <= snapshot["moment"]
                assert block["death"] == 0 or block["death"] > snapshot["moment"]
        assert not blocks

    def events(self):
        """(operation, values by column) of each event, in order; fills self.event_sites in the end."""
        cursor = Cursor(self.event_stream)
        made = ended = 0  # allocations so far; the number of the one that ended last
        while (count := cursor.varint()) != 0:
            operations = [OPERATIONS[code] for code in cursor.take(count)]
            columns = {}
            for column in EVENT_COLUMNS:
                rows = sum(column in columns_of.split() for _, columns_of in operations)
                columns[column] = iter([cursor.varint() for _ in range(rows)])
            for name, columns_of in operations:
                values = {column: next(columns[column]) for column in columns_of.split()}
                if "distance" in values:
                    code = values["distance"]
                    ended = ended + (code >> 2 ^ -(code >> 1 & 1)) if code & 1 else made - (code >> 1)
                    values["distance"] = made - ended
                made += "alloc" in name
                yield name, values
        self.event_sites = [[(cursor.varint(), cursor.varint()) for _ in range(cursor.varint())]
                            for _ in range(cursor.varint())]
        assert cursor.at == len(cursor.data)

    def stack(self, node):
        """[(function, file, line), ...], outermost first; a thread stands for a stack without frames."""
        frames = []
        if node and not self.nodes[node]["function"]:
            return [("<thread %s>" % self.strings[self.nodes[node]["thread"]], "", 0)]
        while node and self.nodes[node]["function"]:
            row = self.nodes[node]
            function = self.functions[row["function"]]
            frames.append((self.strings[function["name"]], self.strings[function["file"]], row["line"]))
            node -= row["distance"]
        return frames[::-1] or [("<no stack>", "", 0)]

    def peak_sites(self, process, tree=False):
        """{(stack, kind): [bytes, blocks]} at the process's peak, or its part of the tree's."""
        found = {}
        which = "tree" if tree else "peak"
        for row in self.sites:
            if row["process"] == process and row[which]:
                site = found.setdefault((tuple(self.stack(row["node"])), KINDS[row["kind"]]), [0, 0])
                site[0] += row[which]
                site[1] += row[which + "_blocks"]
        return found


def main(path):
    profile = Profile(path)
    print(" ".join(profile.run["command"]), "peak", profile.run["peak"], "bytes")
    for number, process in enumerate(profile.processes):
        print(f"process {process['pid']}: peak {process['peak']} bytes")
        sites = sorted(profile.peak_sites(number).items(), key=lambda item: -item[1][0])
        for (stack, kind), (size, blocks) in sites[:5]:
            print(f"  {size} bytes in {blocks} blocks, {kind}: " +
                  " > ".join(f"{name} {file}:{line}" for name, file, line in stack))


if __name__ == "__main__":
    main(sys.argv[1])

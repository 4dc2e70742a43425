"""The collector's line tables against the interpreter's own: every instruction of some of the library.

usage: test_collector_lines.py LINES_TOOL [INTERPRETER...]

Runs itself in each interpreter (default: those in PATH), which writes the tables of
its compiled modules and the lines that it gives them itself.
"""

import os
import shutil
import subprocess
import sys


def codes(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from codes(constant)


def write_tables():
    import dis

    version = sys.version_info[:2]
    format_number = 0 if version < (3, 10) else 1 if version == (3, 10) else 2
    library = os.path.dirname(os.__file__)
    for name in ["argparse", "dataclasses", "typing", "asyncio/base_events", "contextlib", "ast", "tarfile"]:
        path = os.path.join(library, name + ".py")
        with open(path, "rb") as file:
            module = compile(file.read(), path, "exec")
        for code in codes(module):
            table = code.co_lnotab if format_number == 0 else code.co_linetable
            print("code", format_number, code.co_firstlineno, table.hex())
            if format_number == 0:
                starts = list(dis.findlinestarts(code))
                for position in range(0, len(code.co_code), 2):
                    # As PyCode_Addr2Line: what starts here or before, the last one.
                    line = [line for start, line in starts if start <= position]
                    print(position, line[-1] if line else code.co_firstlineno)
            else:
                for start, end, line in code.co_lines():
                    for position in range(start, end, 2):
                        print(position, line or 0)


def compare(tool, interpreter):
    output = subprocess.run([interpreter, os.path.abspath(__file__), "--write"], stdout=subprocess.PIPE, check=True)
    lines = output.stdout.decode().splitlines()
    asked = "\n".join(line if line.startswith("code") else line.split()[0] for line in lines) + "\n"
    answer = subprocess.run([tool], input=asked.encode(), stdout=subprocess.PIPE, check=True)
    wanted = [[line.split()[1]] * 2 for line in lines if not line.startswith("code")]
    got = [line.split() for line in answer.stdout.decode().splitlines()]
    wrong = sum(a != b for a, b in zip(wanted, got))
    print(f"{interpreter}: {len(wanted)} positions, {wrong} wrong")
    return len(wanted) == len(got) and wrong == 0 and len(wanted) > 1000


def interpreters():
    names = ["python3"] + ["python3.%d" % minor for minor in range(8, 15)]
    found = {os.path.realpath(path) for path in map(shutil.which, names) if path}
    return sorted(filter(is_new_enough, found))


def is_new_enough(interpreter):
    check = [interpreter, "-c", "import sys; sys.exit(sys.version_info < (3, 8))"]
    return subprocess.run(check, stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write_tables()
    else:
        results = [compare(sys.argv[1], interpreter) for interpreter in sys.argv[2:] or interpreters()]
        sys.exit(0 if results and all(results) else 1)

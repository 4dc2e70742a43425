"""Our own lines, on the program's standard error."""
import io
import sys


def say(text: str) -> None:
    try:
        if sys.stderr is not None:
            sys.stderr.write(f"holdfast: {text}\n")
            sys.stderr.flush()
    except Exception as error:  # closed, or what the program put there fails
        # But what a signal's handler raises meanwhile is the program's.
        if type(sys.stderr) is io.TextIOWrapper and error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise

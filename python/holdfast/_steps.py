"""How one object refers to another, as a Python user writes it: `.rows`, `['users']`, `[3]`; and what to call objects.

No code of the program is run for it: no property, no `__repr__`, no `__eq__`.
"""
import collections
import sys
import types
from typing import Any, Iterator, List, Optional, Tuple

from . import _frames

_LONGEST = 28  # characters of a label or a key
PLAIN = (str, int, float, complex, bytes, bool, type(None))
_SEQUENCES: Tuple[Any, ...] = (list, tuple, collections.deque)
_SETS: Tuple[Any, ...] = (set, frozenset)
_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
# Attributes that C types show by code of their own: of these it is known to do nothing else.
_SHOWN_BY_C = {("_asyncio", "_result"), ("_asyncio", "_exception"), ("_asyncio", "_coro"), ("_asyncio", "_callbacks")}
# And of these, all: what they are by name, since a subclass may give the name another meaning.
_OF_EXCEPTIONS = ("__traceback__", "__cause__", "__context__", "args")
_NAMES = {
    types.FunctionType: ("__defaults__", "__kwdefaults__", "__closure__", "__dict__", "__globals__", "__code__"),
    types.MethodType: ("__self__", "__func__"),
    types.BuiltinFunctionType: ("__self__",),
    types.TracebackType: ("tb_frame", "tb_next"),
    types.FrameType: ("f_back",),
    types.CodeType: ("co_consts",),
    type((lambda x: lambda: x)(0).__closure__[0]): ("cell_contents",),  # type: ignore[index]
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
}


def cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else text[:most - 3] + "..."


def key(value: object) -> str:
    """Of a dict: its own repr is only asked for where that is the interpreter's."""
    if type(value) in PLAIN:
        text = value[:_LONGEST] if isinstance(value, (str, bytes)) else value
        if isinstance(text, int) and text.bit_length() > 64:
            return "int"
        shown = repr(text)
        return shown if text is value or text == value else cut(shown[:-1], _LONGEST - 3) + "..."
    if type(value) is tuple and len(value) <= 4:
        return cut("(" + ", ".join(map(key, value)) + ")")
    return f"<{type(value).__name__}>"


def namespace(value: object) -> Optional[Any]:
    """An instance's `__dict__`, as its type has it, whatever the program made of that name."""
    for kind in type(value).__mro__:
        found = kind.__dict__.get("__dict__")
        if isinstance(found, types.GetSetDescriptorType):
            try:
                return found.__get__(value)
            except (AttributeError, TypeError):
                return None
    return None


def loaded(module: str, name: str) -> Any:
    """What a module has under that name, if it was imported; one that is only when it is used is left alone."""
    found = sys.modules.get(module)
    return object.__getattribute__(found, "__dict__").get(name) if issubclass(type(found), types.ModuleType) else None


def _members(value: object) -> Iterator[Tuple[str, object]]:
    """Slots, and what C types show of themselves."""
    for kind in type(value).__mro__:
        for name, found in list(kind.__dict__.items()):
            shown = isinstance(found, types.GetSetDescriptorType) and (kind.__module__, name) in _SHOWN_BY_C
            if shown or isinstance(found, types.MemberDescriptorType):
                try:
                    yield name, found.__get__(value, kind)
                except Exception as error:  # not bound, or not to be told now
                    trace = error.__traceback__
                    if trace is not None and trace.tb_next is not None:  # it is of a signal's handler
                        raise


def _attributes(value: object, target: object) -> List[str]:
    found = []
    for name in _NAMES.get(type(value), ()):
        try:
            if getattr(value, name, None) is target:
                found.append(f".{name}")
        except ValueError:  # an empty cell
            pass
    if issubclass(type(value), BaseException):
        found += [f".{name}" for name in _OF_EXCEPTIONS if BaseException.__dict__[name].__get__(value) is target]
    return found


def _in_dict(holder: Any, target: object) -> List[str]:
    found = []
    for name, value in list(dict.items(holder)):
        if value is target:
            found.append(f"[{key(name)}]")
        if name is target:
            found.append(" -> a key")
    return found


def _in_sequence(holder: Any, target: object) -> List[str]:
    base = next(base for base in _SEQUENCES if issubclass(type(holder), base))
    return [f"[{index}]" for index, value in enumerate(list(base.__iter__(holder))) if value is target]


def _in_set(holder: Any, target: object) -> List[str]:
    base = next(base for base in _SETS if issubclass(type(holder), base))
    return [" -> a member"] * any(one is target for one in list(base.__iter__(holder)))


def _in_frame(holder: types.FrameType, target: object) -> List[str]:
    found = [f" -> {name}" for name in _frames.holding(holder, target)]
    return found + [" -> its names"] * _frames.namespace(holder, target)


def _in_generator(holder: Any, target: object) -> List[str]:
    frame = getattr(holder, "gi_frame", None) or getattr(holder, "cr_frame", None) or getattr(holder, "ag_frame", None)
    if frame is None:
        return []
    return [".frame"] if frame is target else _in_frame(frame, target)


def _in_type(holder: Any, target: Any) -> List[str]:
    if type(target) is dict and "__module__" in target and target.keys() == type.__dict__["__dict__"].__get__(holder).keys():
        return [".__dict__"]
    return [f".{name}" for name in ("__bases__", "__mro__") if type.__dict__[name].__get__(holder) is target]


def _in_instance(holder: object, target: object) -> List[str]:
    found = [f".{name}" for name, value in _members(holder) if value is target]
    own = namespace(holder)
    if own is not None and own is target:
        found.append(".__dict__")
    elif type(own) is dict:
        found += [f".{name}" for name, value in list(own.items()) if value is target]
    return found


_KINDS = ((dict, _in_dict), (_SEQUENCES, _in_sequence), (_SETS, _in_set), (_GENERATORS, _in_generator),
          (types.FrameType, _in_frame), (type, _in_type))


def steps(holder: object, target: object) -> List[str]:
    """Each way by which the first refers to the second; empty where it does, and cannot be said how."""
    found: List[str] = []
    try:
        for kind, ways in _KINDS:
            if issubclass(type(holder), kind):  # isinstance would ask the object, too
                found = ways(holder, target)
        return found or _attributes(holder, target) or _in_instance(holder, target)
    except RuntimeError:  # it changed meanwhile: in free-threaded builds others go on
        return []


def label(value: Any) -> str:
    """Short: its type, and how many it holds."""
    kind = type(value)
    if kind is types.ModuleType:
        return cut(f"module {value.__name__}")
    if kind is types.FrameType:
        return cut(_frames.where(value).partition(" (")[0])
    if kind is types.FunctionType:
        return cut(f"{value.__name__}()")
    if kind in _GENERATORS:
        return cut(f"{kind.__name__} {value.__name__}()")
    if issubclass(kind, type):
        return cut("class " + type.__dict__["__name__"].__get__(value))
    if kind in (dict, list, tuple, set, frozenset, collections.deque, bytes, bytearray, str):
        return f"{kind.__name__} of {len(value)}"
    return cut(kind.__name__)


def qualified(value: Any) -> Tuple[str, str]:
    """Of a class or a function: its name, and its module's; whatever a metaclass says of these."""
    if issubclass(type(value), type):
        name, module = type.__dict__["__qualname__"].__get__(value), type.__dict__["__module__"].__get__(value)
    else:
        name, module = value.__qualname__, value.__module__
    return name, module if type(module) is str else ""


def type_name(kind: type) -> str:
    name, module = qualified(kind)
    return name if module in ("builtins", "__main__", "") else f"{module}.{name}"


def printable(text: str) -> str:
    """For one line, and for XML."""
    return "".join(one if one.isprintable() else "?" for one in text)

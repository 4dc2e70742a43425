"""Where the executable is that was installed with this package."""
import importlib.metadata
import os
import shutil
import sysconfig
from typing import Iterator, Optional

NAME = "holdfast"


def _recorded() -> Iterator[str]:
    """As the installer wrote it down, whatever scheme it used."""
    try:
        files = importlib.metadata.distribution("holdfast").files or []
    except importlib.metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == NAME and file.parent.name == "bin":
            yield str(file.locate())


def _candidates() -> Iterator[str]:
    yield from _recorded()
    yield os.path.join(sysconfig.get_path("scripts"), NAME)
    # `pip install --target`: beside the packages
    yield os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin", NAME)


def find() -> Optional[str]:
    for path in _candidates():
        if os.access(path, os.X_OK):
            return os.path.realpath(path)
    return shutil.which(NAME)

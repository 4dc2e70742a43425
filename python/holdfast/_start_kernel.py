"""What a kernel is started by: `-m holdfast.kernel`, but with no folder of a notebook's, nor this one, among those that
modules come from."""
import os
import sys

if sys.path[:1] and os.path.realpath(sys.path[0]) == os.path.dirname(os.path.realpath(__file__)):
    sys.path.pop(0)

from holdfast.kernel import main  # noqa: E402

sys.exit(main())

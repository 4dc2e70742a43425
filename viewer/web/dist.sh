#!/bin/sh
# Puts the page, built, into a source distribution (meson dist), so that installing from that needs no npm.
exec python3 "$(dirname "$0")/bundle.py" "$MESON_PROJECT_DIST_ROOT/viewer/page_files.h" /dev/null

#!/bin/sh
# Print the name of a Python that can run Lightship; 3.11 first, because that is what the example's locks name.
for name in python3.11 python3 python3.12 python3.13 python3.14; do
    # A version manager's shim may be on PATH and yet refuse to run, so each candidate is tried.
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$name"
        exit 0
    fi
done
echo "Lightship needs Python 3.11 or newer on PATH; on Debian 12: apt-get install python3 python3-venv" >&2
exit 1

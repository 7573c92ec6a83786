#!/bin/sh
# The whole job on a machine without a network: sh job.sh OUT [flags of job.py]
# The package comes from src beside this file or in the folder it is called from, what is missing there from wheels.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
shift
source=$here/src
[ -d "$source" ] || source=$PWD/src
site=$(mktemp -d)
if ls "$here"/wheels/*.whl >/dev/null 2>&1; then
    python3 -m pip install -q --disable-pip-version-check --no-index --no-deps --no-compile --target "$site" "$here"/wheels/*.whl
fi
PYTHONPATH=$source:$site exec python3 "$here/job.py" --out "$out" "$@"

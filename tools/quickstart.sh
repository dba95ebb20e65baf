#!/usr/bin/env bash
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    cat << 'USAGE'
From a bare clone to a pre-trained backbone that beats a random one, on a CPU.

    bash tools/quickstart.sh [--seeds N] [--epochs N] [--work-dir DIR]

Sets up the core environment (.venv) unless it is there, pre-trains
configs/gersp/r18_quickstart.py N times (3) on the images in data/quickstart, probes each
backbone and three random ones, prints a table and writes result.json and result.png to
DIR (work_dirs/quickstart). Other options: python tools/quickstart.py --help

Environment: PYTHON, an interpreter with the requirements, to be used instead of .venv.
USAGE
    exit 0
fi

if [[ -z ${PYTHON:-} ]]; then
    # Under a second if there is nothing to do; also completes an interrupted set-up.
    bash "$tools/setup_env.sh" --core
    PYTHON=$tools/../.venv/bin/python
fi

exec "$PYTHON" "$tools/quickstart.py" "$@"

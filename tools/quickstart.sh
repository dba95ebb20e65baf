#!/usr/bin/env bash
# From a bare clone to a pre-trained backbone that beats a random one, on a CPU:
#
#   bash tools/quickstart.sh [--seeds N] [--work-dir DIR] [--epochs N]
#
# Sets up the core environment (.venv) if there is none; PYTHON=... uses another one.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}

for argument in "$@"; do
    # Help needs no environment.
    if [[ $argument == -h || $argument == --help ]]; then
        exec python3 "$root/tools/quickstart.py" --help
    fi
done

if [[ -z ${PYTHON:-} && ! -x $python ]]; then
    echo "No environment at $root/.venv yet: setting up the core one, which takes minutes."
    bash "$root/tools/setup_env.sh" --core
fi

exec "$python" "$root/tools/quickstart.py" "$@"

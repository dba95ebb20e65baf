# Sourced by the launchers: sets PYTHON to an interpreter that has torch.
# Order: $PYTHON; the python of the shell (an active environment); the checkout's .venv.
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

has_torch() {
    command -v "$1" > /dev/null && "$1" -c '
import importlib.util, sys
sys.exit(importlib.util.find_spec("torch") is None)' 2> /dev/null
}

if [ -n "${PYTHON:-}" ]; then
    if ! has_torch "$PYTHON"; then
        echo "error: PYTHON=$PYTHON has no torch." >&2
        exit 1
    fi
elif has_torch python; then
    PYTHON=python
elif has_torch "$tools/../.venv/bin/python"; then
    PYTHON=$tools/../.venv/bin/python
else
    echo "error: no python with torch here; run: bash tools/setup_env.sh" >&2
    exit 1
fi

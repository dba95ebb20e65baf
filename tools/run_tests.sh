#!/usr/bin/env bash
# Everything that has to hold before a change goes in: lint, format, types, tests.
#
#   bash tools/run_tests.sh                       sets up the environment if needed
#   bash tools/run_tests.sh tests/ops -k patches  arguments go to pytest
#   bash tools/run_tests.sh -m ''                 all tests, the slow ones too
#   bash tools/run_tests.sh -n 0                  in one process
#
# Up to four processes, one per core and 8 GiB, share the tests by whole files.
# PYTHON=... uses another interpreter instead of .venv.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,/^set -/p' "${BASH_SOURCE[0]}" | sed -e '$d' -e 's/^# \{0,1\}//'
    exit 0
fi

summary=()
failed=

# stage NAME COMMAND...: goes on after a failure, so that one run tells all.
stage() {
    local name=$1 started=$SECONDS word=ok
    shift
    printf '\n== %s\n' "$name"
    "$@" || { word=FAILED && failed=yes; }
    summary+=("$(printf '%-14s %-6s %4d s' "$name" "$word" $((SECONDS - started)))")
}

if [[ -z ${PYTHON:-} ]]; then
    started=$SECONDS
    bash tools/setup_env.sh
    summary+=("$(printf '%-14s %-6s %4d s' environment ok $((SECONDS - started)))")
    PYTHON=.venv/bin/python
fi

stage 'ruff check' "$PYTHON" -m ruff check .
stage 'ruff format' "$PYTHON" -m ruff format --check .
stage mypy "$PYTHON" -m mypy
# Tests at real size want up to 8 GiB each.
cores=$(nproc)
memory=$(awk '/^MemTotal/ {print int($2 / 2 ^ 23)}' /proc/meminfo)
processes=$((cores < 4 ? cores : 4))
processes=$((processes < memory ? processes : memory > 1 ? memory : 1))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores / processes))}
# In the order of files: those of few but long tests would else come last, alone.
stage pytest "$PYTHON" -m pytest -n "$processes" --dist loadfile \
    --no-loadscope-reorder "$@"

printf '\n== summary\n'
printf '%s\n' "${summary[@]}"
[[ -z $failed ]]

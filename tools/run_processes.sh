#!/usr/bin/env bash
# run_processes.sh COUNT SCRIPT [args]: COUNT processes of a script on this machine, one
# for each GPU; without GPUs, processes on the CPU. Called by dist_train.sh and
# dist_test.sh, whose --help tells the environment variables.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/find_python.sh"

count=$1
script=$2
shift 2
if ! [[ $count =~ ^[1-9][0-9]*$ ]]; then
    echo "error: expected the number of GPUs (or CPU processes), got '$count'." >&2
    exit 2
fi

read -r gpus cores free_port < <("$PYTHON" -c '
import os, socket, torch
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)
print(torch.cuda.device_count(), len(cores), port)')

if [ "$gpus" -gt 0 ] && [ "$count" -gt "$gpus" ]; then
    echo "error: expected at most $gpus processes, one for each GPU of this machine" \
        "(CUDA_VISIBLE_DEVICES: ${CUDA_VISIBLE_DEVICES:-unset}), got $count." >&2
    exit 2
fi
if [ "$gpus" -eq 0 ]; then
    # Each process would start a thread for every core.
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > count ? cores / count : 1))}
    echo "no GPU here: $count processes on $cores CPU cores," \
        "$OMP_NUM_THREADS threads each, talking through gloo"
fi

nodes=${NNODES:-1}
# Nodes must agree on the port beforehand; alone, any free one will do.
if [ "$nodes" -eq 1 ]; then port=${PORT:-$free_port}; else port=${PORT:-29500}; fi

exec "$PYTHON" "$(dirname "$script")/run_processes.py" \
    --nnodes="$nodes" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="$port" \
    --nproc_per_node="$count" \
    "$script" "$@" --launcher pytorch

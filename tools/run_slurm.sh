#!/usr/bin/env bash
# run_slurm.sh PARTITION JOB_NAME SCRIPT [args]: a script as tasks of a slurm job. Called
# by slurm_train.sh and slurm_test.sh, whose --help tells the environment variables.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/find_python.sh"

partition=$1
job_name=$2
shift 2
if ! command -v srun > /dev/null; then
    echo "error: no srun here, so this is no machine of a Slurm cluster; log in to one, or" \
        "use tools/dist_train.sh CONFIG GPUS (for a test: tools/dist_test.sh)." >&2
    exit 2
fi
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
cpus=${CPUS_PER_TASK:-5}
[ -n "${PORT:-}" ] && export MASTER_PORT=$PORT
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# SRUN_ARGS is meant to be split at spaces.
# shellcheck disable=SC2086
exec srun -p "$partition" \
    --job-name="$job_name" \
    --gres=gpu:"$per_node" \
    --ntasks="$gpus" \
    --ntasks-per-node="$per_node" \
    --cpus-per-task="$cpus" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "$PYTHON" -u "$@" --launcher slurm

#!/usr/bin/env bash
set -euo pipefail

if [ $# -lt 3 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    cat << 'USAGE'
Train a config as a slurm job; run it on the login node.

    tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
    GPUS=16 tools/slurm_train.sh gpu gersp configs/gersp/r50.py --auto-scale-lr

Environment: GPUS (8), GPUS_PER_NODE (8, or GPUS if fewer), CPUS_PER_TASK (5), SRUN_ARGS
(further arguments of srun), PORT, MASTER_ADDR (first host of the job), PYTHON.
USAGE
    [ $# -ge 1 ] && [[ $1 = -h || $1 = --help ]] && exit 0
    exit 2
fi

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$tools/run_slurm.sh" "$1" "$2" "$tools/train.py" "${@:3}"

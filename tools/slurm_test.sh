#!/usr/bin/env bash
set -euo pipefail

if [ $# -lt 4 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    cat << 'USAGE'
Evaluate a checkpoint as a slurm job; run it on the login node.

    tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]
    GPUS=1 tools/slurm_test.sh gpu probe configs/supervised/r50.py epoch_100.pth

Environment: as for tools/slurm_train.sh.
USAGE
    [ $# -ge 1 ] && [[ $1 = -h || $1 = --help ]] && exit 0
    exit 2
fi

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$tools/run_slurm.sh" "$1" "$2" "$tools/test.py" "${@:3}"

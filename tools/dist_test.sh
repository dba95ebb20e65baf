#!/usr/bin/env bash
set -euo pipefail

if [ $# -lt 3 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    cat << 'USAGE'
Evaluate a checkpoint on several GPUs, or on several CPU processes without a GPU.

    tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]
    tools/dist_test.sh configs/supervised/r50.py work_dirs/supervised/r50/epoch_100.pth 8

Environment: as for tools/dist_train.sh.
USAGE
    [ $# -ge 1 ] && [[ $1 = -h || $1 = --help ]] && exit 0
    exit 2
fi

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$tools/run_processes.sh" "$3" "$tools/test.py" "$1" "$2" "${@:4}"

#!/usr/bin/env bash
set -euo pipefail

if [ $# -lt 2 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    cat << 'USAGE'
Train a config on several GPUs, or on several CPU processes where there is no GPU.

    tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
    tools/dist_train.sh configs/gersp/r50.py 8 --amp

Several machines, the same command on each, e.g. for 2 x 8 GPUs:
    NNODES=2 NODE_RANK=0 MASTER_ADDR=<host of node 0> PORT=29500 \
        tools/dist_train.sh configs/gersp/r50.py 8
    NNODES=2 NODE_RANK=1 MASTER_ADDR=<host of node 0> PORT=29500 \
        tools/dist_train.sh configs/gersp/r50.py 8

Environment: NNODES (1), NODE_RANK (0), MASTER_ADDR (127.0.0.1), PORT (any free one;
29500 for several machines), PYTHON, CUDA_VISIBLE_DEVICES, OMP_NUM_THREADS.
USAGE
    [ $# -ge 1 ] && [[ $1 = -h || $1 = --help ]] && exit 0
    exit 2
fi

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$tools/run_processes.sh" "$2" "$tools/train.py" "$1" "${@:3}"

#!/usr/bin/env bash
#SBATCH --requeue
#SBATCH --signal=USR1@120
#SBATCH --open-mode=append
set -euo pipefail

if [ $# -lt 3 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
    cat << 'USAGE'
Train a config as a slurm job; run it on the login node.

    tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
    GPUS=16 tools/slurm_train.sh gpu gersp configs/gersp/r50.py --auto-scale-lr

As a batch job it saves 120 s before its time is over, requeues itself and resumes:
    GPUS=16 sbatch -p gpu --gres=gpu:8 --ntasks=16 --ntasks-per-node=8 --cpus-per-task=5 \
        tools/slurm_train.sh gpu gersp configs/gersp/r50.py --auto-scale-lr

Environment: GPUS (8), GPUS_PER_NODE (8, or GPUS if fewer), CPUS_PER_TASK (5), SRUN_ARGS
(further arguments of srun), PORT, MASTER_ADDR (first host of the job), PYTHON.
USAGE
    [ $# -ge 1 ] && [[ $1 = -h || $1 = --help ]] && exit 0
    exit 2
fi

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# slurmd runs a copy of this file from a folder of its own.
if [ ! -f "$tools/run_slurm.sh" ]; then
    tools=${SLURM_SUBMIT_DIR:-.}/tools
    if [ ! -f "$tools/run_slurm.sh" ]; then
        echo "error: no tools/run_slurm.sh in '${SLURM_SUBMIT_DIR:-$PWD}'; submit from the" \
            "checkout: cd CHECKOUT && sbatch tools/slurm_train.sh ..." >&2
        exit 2
    fi
fi
command=(bash "$tools/run_slurm.sh" "$1" "$2" "$tools/train.py" "${@:3}")
# Only a batch job can be requeued; slurm names it so.
if [ -z "${SLURM_JOB_ID:-}" ]; then
    exec "${command[@]}"
fi

if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [[ " ${*:4} " != *" --resume"* ]]; then
    command+=(--resume)
fi
# scancel ends this shell, too: such a job is not to come back.
canceled=
trap 'canceled=1' TERM
"${command[@]}" &
task=$!
trap 'kill -USR1 "$task"' USR1
# A signal ends `wait` early; the tasks save meanwhile.
while status=0; wait "$task" || status=$?; kill -0 "$task" 2> /dev/null; do :; done
if [ "$status" -eq 75 ] && [ -z "$canceled" ]; then  # saved, see docs/cluster.md
    echo "saved: job $SLURM_JOB_ID is requeued and will resume"
    if ! scontrol requeue "$SLURM_JOB_ID"; then
        echo "error: slurm does not requeue job $SLURM_JOB_ID; submit the same command" \
            "with --resume." >&2
    fi
fi
exit "$status"

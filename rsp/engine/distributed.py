"""Start and stop processes that train together, on GPUs or on CPUs.

mmengine starts processes for GPUs only; each difference has its reason at the function
and does nothing where there is a GPU.
"""

import os
import subprocess
from datetime import timedelta
from typing import Any

import torch
from mmengine.model import is_model_wrapper

from rsp.errors import UserError


def join_process_group(launcher: str, dist_cfg: dict[str, Any]) -> None:
    """Prepare the process group of a launched run; without GPUs, make it (gloo).

    mmengine's own start ends in ``torch.cuda.set_device``, which fails where there is
    no GPU (``module 'torch._C' has no attribute '_cuda_setDevice'``). A group that
    exists already is left alone by mmengine, so without GPUs it is made here; with
    GPUs only the variables are checked and mmengine makes it.

    Args:
        launcher: ``'pytorch'`` (torchrun), ``'slurm'`` or ``'mpi'``.
        dist_cfg: ``env_cfg.dist_cfg`` of the config; ``timeout`` in seconds is used.

    Raises:
        UserError: If this process was not started by the launcher, or if it is one
            process more than the machine has GPUs.
    """
    if launcher == 'slurm':
        _name_slurm_task()
    elif launcher == 'mpi':
        _name_mpi_task()
    missing = [name for name in ('RANK', 'WORLD_SIZE') if name not in os.environ]
    if missing:
        raise UserError(
            f"launcher='{launcher}' expects {' and '.join(missing)} in the "
            'environment; start several processes with tools/dist_train.sh CONFIG '
            'GPUS, or leave --launcher out.'
        )
    os.environ.setdefault('LOCAL_RANK', '0')
    if torch.cuda.is_available():
        check_gpu_count(int(os.environ['LOCAL_RANK']) + 1)
        return
    options: dict[str, Any] = {}
    if dist_cfg.get('timeout') is not None:
        options['timeout'] = timedelta(seconds=dist_cfg['timeout'])
    torch.distributed.init_process_group('gloo', **options)


def refuse_missing_launcher(launcher: str) -> None:
    """Refuse a process that was started as one of many and would train alone.

    Each would train the same model and write the same files.

    Args:
        launcher: ``'none'``, or see `join_process_group`.

    Raises:
        UserError: If the environment tells of several processes, and the launcher is
            ``'none'``.
    """
    if launcher != 'none':
        return
    # A step of one task in a larger Slurm job is alone.
    slurm = 'SLURM_STEP_NUM_TASKS' if 'SLURM_STEP_NUM_TASKS' in os.environ else None
    counts = {
        'WORLD_SIZE': ('pytorch', 'start it without torchrun'),
        slurm or 'SLURM_NTASKS': ('slurm', 'start one task: srun -n1'),
        'OMPI_COMM_WORLD_SIZE': ('mpi', 'start it without mpirun'),
    }
    for name, (wanted, alone) in counts.items():
        count = os.environ.get(name, '')
        if count.isdigit() and int(count) > 1:
            raise UserError(
                f'expected --launcher {wanted}, for {name}={count} processes were '
                "started, got --launcher none: each would train alone; add '--launcher "
                f"{wanted}', or {alone}."
            )


def leave_process_group() -> None:
    """Destroy the process group after a run; torch warns at exit otherwise."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def check_gpu_count(processes: int) -> None:
    """Refuse more processes than GPUs; without any GPU they run on the CPU.

    Args:
        processes: Processes on this machine.

    Raises:
        UserError: If there are GPUs, but fewer than that.
    """
    gpus = torch.cuda.device_count()
    if 0 < gpus < processes:
        visible = os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')
        raise UserError(
            f'expected at most {gpus} processes, one for each GPU of this machine '
            f'(CUDA_VISIBLE_DEVICES: {visible}), got {processes}; lower GPUS.'
        )


def ddp_options() -> dict[str, Any]:
    """Return what DistributedDataParallel needs here beyond mmengine's arguments.

    mmengine always passes ``device_ids=[LOCAL_RANK]``, which torch refuses for a model
    on the CPU. Empty where there is a GPU.
    """
    return {} if torch.cuda.is_available() else dict(device_ids=None)


def unwrap_model(model: Any) -> Any:
    """Return a model without its DistributedDataParallel."""
    return model.module if is_model_wrapper(model) else model


def _name_slurm_task() -> None:
    """Translate slurm's variables into torchrun's, which both backends read.

    Raises:
        UserError: If slurm did not start this process, or names no address.
    """
    missing = [n for n in ('SLURM_PROCID', 'SLURM_NTASKS') if n not in os.environ]
    if missing:
        raise UserError(
            f"launcher='slurm' expects {' and '.join(missing)} in the environment; "
            'start with tools/slurm_train.sh PARTITION JOB_NAME CONFIG.'
        )
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    os.environ['LOCAL_RANK'] = os.environ.get('SLURM_LOCALID', '0')
    # Two jobs may share a node: each takes its own port.
    job = int(os.environ.get('SLURM_JOB_ID', '0'))
    os.environ.setdefault('MASTER_PORT', str(20000 + job % 10000))
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_slurm_host(
            os.environ.get('SLURM_NODELIST', '')
        )


def _first_slurm_host(nodes: str) -> str:
    if nodes and '[' not in nodes:
        return nodes.split(',')[0]
    try:
        listed = subprocess.run(
            ['scontrol', 'show', 'hostnames', nodes],
            capture_output=True,
            text=True,
            check=True,
        )
        return listed.stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise UserError(
            f"cannot tell the first host of SLURM_NODELIST='{nodes}' "
            f'({error}); set MASTER_ADDR to its name.'
        ) from error


def _name_mpi_task() -> None:
    names = dict(
        RANK='OMPI_COMM_WORLD_RANK',
        WORLD_SIZE='OMPI_COMM_WORLD_SIZE',
        LOCAL_RANK='OMPI_COMM_WORLD_LOCAL_RANK',
    )
    for name, theirs in names.items():
        if theirs in os.environ:
            os.environ[name] = os.environ[theirs]
    os.environ.setdefault('MASTER_PORT', '29500')

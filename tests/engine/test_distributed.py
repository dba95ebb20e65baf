import os
import socket
import subprocess
import sys

import pytest
import torch

from rsp.engine import device, distributed

LAUNCH_VARIABLES = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


@pytest.fixture
def environment(monkeypatch):
    """The variables of a launched process, none set, all restored afterwards."""
    slurm = [name for name in os.environ if name.startswith('SLURM_')]
    for name in (*LAUNCH_VARIABLES, *slurm):
        # Set first, so that monkeypatch also undoes what the code under test sets.
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that pretends this machine has GPUs."""

    def pretend(count):
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)

    return pretend


def test_importing_prints_no_debug_messages():
    """Nor do the mm-libraries that are imported afterwards."""
    script = (
        'import rsp, mmpretrain.datasets\n'
        'from logging import DEBUG\n'
        'from mmengine.logging import print_log\n'
        "print_log('hidden', level=DEBUG), print_log('shown')"
    )
    run = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert run.stdout == 'shown\n'


def test_a_process_without_a_launcher_is_told_how_to_start(environment):
    with pytest.raises(ValueError, match=r'RANK and WORLD_SIZE.*dist_train.sh'):
        distributed.join_process_group('pytorch', {})
    with pytest.raises(ValueError, match=r'SLURM_PROCID and SLURM_NTASKS.*slurm_tr'):
        distributed.join_process_group('slurm', {})


def test_without_gpus_a_launched_process_joins_through_gloo(environment, gpus):
    gpus(0)
    values = ('0', '1', '0', '127.0.0.1', str(free_port()))
    for name, value in zip(LAUNCH_VARIABLES, values, strict=True):
        environment.setenv(name, value)
    distributed.join_process_group('pytorch', dict(backend='nccl', timeout=30))
    try:
        assert torch.distributed.get_backend() == 'gloo'
    finally:
        distributed.leave_process_group()
    assert not torch.distributed.is_initialized()
    distributed.leave_process_group()  # harmless


def test_a_process_without_a_gpu_of_its_own_is_refused(environment, gpus):
    gpus(2)
    environment.setenv('RANK', '2')
    environment.setenv('WORLD_SIZE', '3')
    environment.setenv('LOCAL_RANK', '2')
    with pytest.raises(ValueError, match=r'at most 2 processes.*got 3; lower GPUS'):
        distributed.join_process_group('pytorch', {})


def test_processes_on_a_machine_without_gpus_are_not_limited(gpus):
    gpus(0)
    distributed.check_gpu_count(16)


def slurm_task(environment, **more):
    variables = dict(
        SLURM_PROCID='3',
        SLURM_NTASKS='4',
        SLURM_LOCALID='1',
        SLURM_JOB_ID='12345',
        SLURM_NODELIST='node7',
    )
    for name, value in (variables | more).items():
        environment.setenv(name, value)


def test_a_slurm_task_reads_like_a_torchrun_process(environment):
    slurm_task(environment)
    distributed._name_slurm_task()
    assert [os.environ[name] for name in LAUNCH_VARIABLES] == [
        '3',
        '4',
        '1',
        'node7',
        '22345',
    ]


def test_address_and_port_of_a_slurm_job_can_be_chosen(environment):
    slurm_task(environment, MASTER_ADDR='here', MASTER_PORT='1')
    distributed._name_slurm_task()
    assert (os.environ['MASTER_ADDR'], os.environ['MASTER_PORT']) == ('here', '1')


def test_the_first_of_several_slurm_hosts_is_asked_of_slurm(monkeypatch):
    def scontrol(command, **_):
        assert command == ['scontrol', 'show', 'hostnames', 'gpu[03-05]']
        return subprocess.CompletedProcess(command, 0, stdout='gpu03\ngpu04\n')

    assert distributed._first_slurm_host('alpha,beta') == 'alpha'
    monkeypatch.setattr(subprocess, 'run', scontrol)
    assert distributed._first_slurm_host('gpu[03-05]') == 'gpu03'


def test_an_unknown_slurm_host_is_asked_for(environment):
    environment.setenv('PATH', '')
    with pytest.raises(ValueError, match=r"SLURM_NODELIST='gpu\[03-05\]'.*MASTER_ADDR"):
        distributed._first_slurm_host('gpu[03-05]')


def test_settings_for_workers_go_where_there_are_none(gpus):
    gpus(1)
    cfg = dict(
        batch_size=4,
        num_workers=0,
        persistent_workers=True,
        prefetch_factor=2,
        pin_memory=True,
    )
    assert device.fit_dataloader(cfg) == dict(
        batch_size=4, num_workers=0, pin_memory=True
    )
    assert 'persistent_workers' in cfg
    with_workers = cfg | dict(num_workers=2)
    assert device.fit_dataloader(with_workers) == with_workers
    gpus(0)
    assert 'pin_memory' not in device.fit_dataloader(with_workers)


class AdamWOfTorch21(torch.optim.AdamW):
    """Refuses as torch 2.1 does where there is no GPU."""

    def __init__(self, params, fused=None, **options):
        if fused:
            raise RuntimeError(
                '`fused=True` requires all the params to be floating ...'
            )
        super().__init__(params, **options)


def test_fused_updates_are_left_out_where_torch_has_none(gpus, monkeypatch):
    cfg = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.1, fused=True))
    gpus(0)
    assert device.fit_optimizer(cfg) is cfg  # torch of today
    monkeypatch.setattr(torch.optim, 'AdamW', AdamWOfTorch21)
    assert device.fit_optimizer(cfg)['optimizer'] == dict(type='AdamW', lr=0.1)
    assert cfg['optimizer']['fused']
    gpus(1)
    assert device.fit_optimizer(cfg) is cfg


@pytest.mark.parametrize(
    'cfg',
    [
        None,
        dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)),
        dict(type='OptimWrapper', optimizer=dict(type='Adan', lr=0.1, fused=True)),
    ],
)
def test_other_optimizers_stay_as_they_are(gpus, cfg):
    gpus(0)
    assert device.fit_optimizer(cfg) is cfg


def test_ddp_gets_no_device_on_cpus(gpus):
    gpus(0)
    assert distributed.ddp_options() == dict(device_ids=None)
    gpus(1)
    assert distributed.ddp_options() == {}


def test_emulated_bfloat16_does_not_count(gpus, monkeypatch):
    gpus(0)
    assert device.supports_bf16()
    gpus(1)
    monkeypatch.setattr(
        torch.cuda, 'is_bf16_supported', lambda including_emulation: including_emulation
    )
    assert not device.supports_bf16()
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda: True)
    assert device.supports_bf16()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ('variables', 'launcher'),
    [
        (dict(WORLD_SIZE='2', RANK='0'), 'pytorch'),
        (dict(SLURM_NTASKS='2', SLURM_PROCID='1'), 'slurm'),
        (dict(SLURM_NTASKS='1', SLURM_STEP_NUM_TASKS='2'), 'slurm'),
        (dict(OMPI_COMM_WORLD_SIZE='4'), 'mpi'),
    ],
)
def test_one_of_several_processes_without_a_launcher_is_refused(
    environment, variables, launcher
):
    environment.delenv('OMPI_COMM_WORLD_SIZE', raising=False)
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(ValueError, match=f"launcher none.*'--launcher {launcher}'"):
        distributed.refuse_missing_launcher('none')
    distributed.refuse_missing_launcher(launcher)


@pytest.mark.parametrize(
    'variables',
    [
        {},
        dict(WORLD_SIZE='1'),
        dict(SLURM_NTASKS='1', SLURM_PROCID='0'),
        dict(SLURM_NTASKS='8', SLURM_STEP_NUM_TASKS='1'),
        dict(SLURM_NTASKS=''),
    ],
)
def test_a_single_process_needs_no_launcher(environment, variables):
    environment.delenv('OMPI_COMM_WORLD_SIZE', raising=False)
    for name, value in variables.items():
        environment.setenv(name, value)
    distributed.refuse_missing_launcher('none')

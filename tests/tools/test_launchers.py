"""The shell launchers: what they hand on, and real runs of two processes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / 'tools'
GERSP = HERE / 'tiny_gersp.py'
LAUNCHERS = ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh']

# Answers the launcher's questions about the machine (2 GPUs, 8 cores, port 45678), and
# prints one argument a line in place of starting anything.
PYTHON = """#!/usr/bin/env bash
case "$*" in
    *device_count*) echo "${FAKE_GPUS:-2} 8 45678" ;;
    *find_spec*) ;;
    *) printf '%s\\n' "$@" "OMP=${OMP_NUM_THREADS:-}" ;;
esac
"""
SRUN = """#!/usr/bin/env bash
printf '%s\\n' "$@" "MASTER_PORT=${MASTER_PORT:-}"
"""


def write_program(file, text):
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def launch(shell, tmp_path):
    """Return a function that launches on a machine that is only pretended."""
    programs = tmp_path / 'programs'
    programs.mkdir()
    python = write_program(programs / 'python', PYTHON)
    write_program(programs / 'srun', SRUN)
    path = f'{programs}{os.pathsep}{os.environ["PATH"]}'

    def launch(*arguments, **variables):
        fakes = dict(PYTHON=python, PATH=path, OMP_NUM_THREADS='')
        return shell(*arguments, **(fakes | variables))

    return launch


@pytest.mark.parametrize('name', LAUNCHERS)
def test_help_shows_a_command_and_no_arguments_are_an_error(shell, name):
    helped, lost = shell(name, '--help'), shell(name)
    assert (helped.returncode, lost.returncode) == (0, 2)
    assert f'tools/{name} ' in helped.stdout
    assert helped.stdout == lost.stdout


def test_one_node_takes_a_free_port_and_hands_on_every_argument(launch):
    done = launch(
        'dist_train.sh', 'a config.py', 2, '--amp', '--cfg-options', 'x="1, 2"'
    )
    assert done.stdout.splitlines() == [
        str(TOOLS / 'run_processes.py'),
        '--nnodes=1',
        '--node_rank=0',
        '--master_addr=127.0.0.1',
        '--master_port=45678',
        '--nproc_per_node=2',
        str(TOOLS / 'train.py'),
        'a config.py',
        '--amp',
        '--cfg-options',
        'x="1, 2"',
        '--launcher',
        'pytorch',
        'OMP=',
    ]


def test_several_nodes_are_told_by_the_environment(launch):
    nodes = dict(NNODES=3, NODE_RANK=2, MASTER_ADDR='head')
    done = launch('dist_test.sh', 'c.py', 'c.pth', 2, '--out', 'o.json', **nodes)
    lines = done.stdout.splitlines()
    assert lines[1:7] == [
        '--nnodes=3',
        '--node_rank=2',
        '--master_addr=head',
        '--master_port=29500',
        '--nproc_per_node=2',
        str(TOOLS / 'test.py'),
    ]
    assert lines[7:11] == ['c.py', 'c.pth', '--out', 'o.json']
    assert '--master_port=7' in launch('dist_train.sh', 'c.py', 1, PORT=7).stdout


def test_more_processes_than_gpus_are_refused(launch):
    done = launch('dist_train.sh', 'c.py', 3, CUDA_VISIBLE_DEVICES='0,1')
    assert done.returncode == 2
    assert 'error: expected at most 2 processes, one for each GPU' in done.stderr
    assert '(CUDA_VISIBLE_DEVICES: 0,1), got 3' in done.stderr


@pytest.mark.parametrize('number', ['0', 'two', '--amp', '-1'])
def test_a_number_that_is_none_is_refused(launch, number):
    done = launch('dist_train.sh', 'c.py', number)
    assert done.returncode == 2
    assert f"(or CPU processes), got '{number}'" in done.stderr


@pytest.mark.parametrize(('processes', 'threads'), [(3, 2), (2, 4), (16, 1)])
def test_cpu_processes_share_the_cores(launch, processes, threads):
    done = launch('dist_train.sh', 'c.py', processes, FAKE_GPUS=0)
    assert f'no GPU here: {processes} processes on 8 CPU cores' in done.stdout
    assert done.stdout.splitlines()[-1] == f'OMP={threads}'
    chosen = launch('dist_train.sh', 'c.py', 2, FAKE_GPUS=0, OMP_NUM_THREADS=3)
    assert chosen.stdout.splitlines()[-1] == 'OMP=3'


def test_a_python_without_torch_is_refused(shell, tmp_path):
    broken = write_program(tmp_path / 'python', '#!/usr/bin/env bash\nexit 1\n')
    done = shell('dist_train.sh', 'c.py', 1, PYTHON=broken)
    assert done.returncode == 1
    assert f'PYTHON={broken} has no torch' in done.stderr


def copy_tools(folder):
    (folder / 'tools').mkdir(parents=True)
    for name in ('find_python.sh', 'run_processes.sh', 'dist_train.sh'):
        (folder / 'tools' / name).write_text((TOOLS / name).read_text())


def test_without_torch_anywhere_the_setup_is_named(tmp_path):
    copy_tools(tmp_path)
    write_program(tmp_path / 'python', '#!/usr/bin/env bash\nexit 1\n')
    path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
    done = subprocess.run(
        ['bash', str(tmp_path / 'tools' / 'dist_train.sh'), 'c.py', '1'],
        env=dict(PATH=path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert 'run: bash tools/setup_env.sh' in done.stderr


def test_the_environment_of_the_checkout_is_found(tmp_path):
    copy_tools(tmp_path)
    (tmp_path / '.venv' / 'bin').mkdir(parents=True)
    write_program(tmp_path / '.venv' / 'bin' / 'python', PYTHON)
    write_program(tmp_path / 'python', '#!/usr/bin/env bash\nexit 1\n')
    path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
    done = subprocess.run(
        ['bash', str(tmp_path / 'tools' / 'dist_train.sh'), 'c.py', '1'],
        env=dict(PATH=path),
        capture_output=True,
        text=True,
    )
    assert 'run_processes.py' in done.stdout


def test_a_slurm_job_asks_for_what_the_environment_says(launch):
    done = launch(
        'slurm_train.sh',
        'gpu',
        'a job',
        'a config.py',
        '--resume',
        GPUS=4,
        CPUS_PER_TASK=7,
        SRUN_ARGS='--time=1:00 --qos=low',
        PORT=1234,
    )
    lines = done.stdout.splitlines()
    assert lines[:10] == [
        '-p',
        'gpu',
        '--job-name=a job',
        '--gres=gpu:4',
        '--ntasks=4',
        '--ntasks-per-node=4',
        '--cpus-per-task=7',
        '--kill-on-bad-exit=1',
        '--time=1:00',
        '--qos=low',
    ]
    assert lines[11:] == [
        '-u',
        str(TOOLS / 'train.py'),
        'a config.py',
        '--resume',
        '--launcher',
        'slurm',
        'MASTER_PORT=1234',
    ]


def test_a_slurm_test_spreads_over_nodes(launch):
    done = launch('slurm_test.sh', 'gpu', 'job', 'c.py', 'c.pth', GPUS=16)
    lines = done.stdout.splitlines()
    assert {'--gres=gpu:8', '--ntasks=16', '--ntasks-per-node=8'} <= set(lines)
    assert lines[lines.index('-u') + 1 :][:3] == [
        str(TOOLS / 'test.py'),
        'c.py',
        'c.pth',
    ]


@pytest.mark.dist
def test_two_processes_train_and_write_into_a_folder_with_a_space(
    shell, data_options, tmp_path
):
    run = tmp_path / 'my run'
    done = shell(
        'dist_train.sh', GERSP, 2, '--work-dir', run, '--cfg-options', *data_options
    )
    assert done.returncode == 0, done.stderr
    assert (
        '2 pairs × 2 processes = 4 per step; the recipe was made for 8' in done.stdout
    )
    # 8 pairs in steps of 4, logged by the first process only.
    assert done.stdout.count('Epoch(train) [2][2/2]') == 1
    assert (run / 'epoch_2.pth').is_file()


@pytest.mark.dist
@pytest.mark.slow
def test_two_nodes_train_one_model(data_options, tmp_path):
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    nodes = [
        subprocess.Popen(
            [
                *('bash', str(TOOLS / 'dist_train.sh'), str(GERSP), '1'),
                *('--work-dir', str(tmp_path / 'run'), '--cfg-options', *data_options),
            ],
            env=os.environ
            | dict(
                NNODES='2',
                NODE_RANK=str(rank),
                PORT=str(port),
                PYTHON=sys.executable,
                OMP_NUM_THREADS='1',
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [node.communicate(timeout=300)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], '\n'.join(outputs)
    assert '2 pairs × 2 processes = 4 per step' in outputs[0]
    assert (tmp_path / 'run' / 'epoch_2.pth').is_file()


TASKS = """#!/usr/bin/env bash
# srun as two tasks on this host; the options that end in a value stand before -u.
while [ "$1" != "$PYTHON" ]; do shift; done
for task in 0 1; do
    SLURM_PROCID=$task SLURM_LOCALID=$task SLURM_NTASKS=2 SLURM_JOB_ID=7 \\
        SLURM_NODELIST=127.0.0.1 "$@" &
done
wait -n && wait -n
"""


@pytest.mark.dist
@pytest.mark.slow
def test_two_slurm_tasks_train_one_model(shell, data_options, tmp_path):
    write_program(tmp_path / 'srun', TASKS)
    run = tmp_path / 'run'
    done = shell(
        'slurm_train.sh',
        'cpu',
        'job',
        GERSP,
        '--work-dir',
        run,
        '--cfg-options',
        *data_options,
        PATH=f'{tmp_path}{os.pathsep}{os.environ["PATH"]}',
        GPUS=2,
    )
    assert done.returncode == 0, done.stderr
    assert '2 pairs × 2 processes = 4 per step' in done.stdout
    assert (run / 'epoch_2.pth').is_file()


def test_without_slurm_the_other_launcher_is_named(shell, tmp_path):
    done = shell('slurm_train.sh', 'gpu', 'job', 'c.py', PATH='/usr/bin:/bin')
    assert done.returncode == 2
    assert done.stderr.startswith('error: no srun here')
    assert 'tools/dist_train.sh CONFIG GPUS' in done.stderr
    assert done.stderr.count('\n') == 1


@pytest.fixture
def batch_job(launch, tmp_path):
    """Return a function that runs the batch script as slurmd does."""

    def run(*arguments, srun, **variables):
        write_program(tmp_path / 'programs/srun', f'#!/usr/bin/env bash\n{srun}\n')
        write_program(
            tmp_path / 'programs/scontrol',
            f'#!/usr/bin/env bash\necho "$@" >> {tmp_path}/scontrol.log\n',
        )
        done = launch(
            'slurm_train.sh',
            'gpu',
            'job',
            'c.py',
            *arguments,
            SLURM_JOB_ID=7,
            SLURM_SUBMIT_DIR=TOOLS.parent,
            **variables,
        )
        called = tmp_path / 'scontrol.log'
        return done, called.read_text() if called.exists() else ''

    return run


def test_a_batch_job_that_saved_is_requeued(batch_job):
    done, called = batch_job(srun='exit 75')
    assert (done.returncode, called) == (75, 'requeue 7\n')
    assert 'job 7 is requeued and will resume' in done.stdout


@pytest.mark.parametrize('status', [0, 1, 137, 143])
def test_a_batch_job_that_ended_otherwise_is_not_requeued(batch_job, status):
    done, called = batch_job(srun=f'exit {status}')
    assert (done.returncode, called) == (status, '')


def test_a_batch_job_that_is_canceled_is_not_requeued(batch_job):
    """The job's shell gets SIGTERM as its tasks do; they save all the same."""
    done, called = batch_job(srun='kill -TERM $PPID; sleep 0.5; exit 75')
    assert (done.returncode, called) == (75, '')


def test_a_batch_job_resumes_when_it_is_started_again(batch_job):
    shown = 'printf "%s\\n" "$@"'
    first, _ = batch_job(srun=shown)
    again, _ = batch_job('--amp', srun=shown, SLURM_RESTART_COUNT=1)
    asked, _ = batch_job('--resume', 'x.pth', srun=shown, SLURM_RESTART_COUNT=1)
    assert '--resume' not in first.stdout
    assert again.stdout.count('--resume') == asked.stdout.count('--resume') == 1
    assert again.stdout.index('--amp') < again.stdout.index('--resume')


def test_the_copy_that_slurm_makes_of_the_script_finds_the_checkout(
    launch, tmp_path, monkeypatch
):
    copy = tmp_path / 'spool/slurm_script'
    copy.parent.mkdir()
    copy.write_text((TOOLS / 'slurm_train.sh').read_text())
    done = launch(copy, 'gpu', 'job', 'c.py', SLURM_SUBMIT_DIR=TOOLS.parent)
    assert str(TOOLS / 'train.py') in done.stdout
    lost = launch(copy, 'gpu', 'job', 'c.py', SLURM_SUBMIT_DIR=tmp_path)
    assert lost.returncode == 2
    assert 'submit from the checkout' in lost.stderr

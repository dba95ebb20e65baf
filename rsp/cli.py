"""Run the `rsp` command: train, test, analyze, prepare data, inspect checkpoints.

    rsp train configs/gersp/r50.py --auto-scale-lr

A command is a function that adds its arguments to a parser and names what runs; its
docstring is the help. What a command needs is imported when it runs, never before, so
that `--help` waits for no library. The scripts in tools/ are the same commands.
"""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from inspect import getdoc
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from rsp.errors import is_first, report_user_errors
from rsp.io.configs import add_cfg_options


class Group(NamedTuple):
    """Group commands below a word, which are imported when the word is used."""

    summary: str
    load: Callable[[], Mapping[str, Any]]


def main(
    command: str = '', prog: str | None = None, argv: Sequence[str] | None = None
) -> None:
    """Parse a command line and run the command; exit with its status, if any.

    Args:
        command: Words in front of the line that a script stands for, e.g.
            ``'prepare tile'``.
        prog: Name of the program for the help, default ``rsp`` and the command.
        argv: Words of the line, default those of this process.
    """
    # OpenMP reads it when torch is loaded. Its threads otherwise spin while they wait:
    # beside other processes a step on the CPU takes five times as long.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    given = command.split()
    words = [*given, *(sys.argv[1:] if argv is None else argv)]
    path = [prog or 'rsp']
    chosen: Any = COMMANDS
    while isinstance(chosen, Group | Mapping):
        commands = chosen.load() if isinstance(chosen, Group) else chosen
        if not words or words[0] not in commands:
            _refuse(words, ' '.join(path), commands)
        word = words.pop(0)
        chosen = commands[word]
        # A script's help shows its own name, not the words it stands for.
        if prog is None or not given:
            path.append(word)
        given = given[1:]
    parser = ArgumentParser(
        ' '.join(path),
        description=getdoc(chosen),
        formatter_class=RawDescriptionHelpFormatter,
    )
    chosen(parser)
    parser.add_argument(
        '--debug', action='store_true', help='show the traceback of every error'
    )
    arguments = vars(parser.parse_args(words))
    run = arguments.pop('run')
    with report_user_errors(arguments.pop('debug')):
        status = run(**arguments)
    if status:
        sys.exit(status)


def _refuse(words: Sequence[str], prog: str, commands: Mapping[str, Any]) -> NoReturn:
    """Exit with the list of commands if it was asked for, else with an error."""
    parser = ArgumentParser(prog)
    add_commands(parser, commands)
    parser.parse_args(words)
    raise AssertionError(f'{words} was refused as a command and parsed as one')


def add_commands(
    parser: ArgumentParser, commands: Mapping[str, Any], whole: bool = False
) -> None:
    """Add commands to a parser.

    Args:
        parser: Without commands.
        commands: By name.
        whole: Also add what each takes, which a command line otherwise shows for the
            one that it names.
    """
    choices = parser.add_subparsers(metavar='COMMAND', required=True)
    for name, command in commands.items():
        text = command.summary if isinstance(command, Group) else command.__doc__
        if isinstance(command, Mapping):
            text = ', '.join(command)
        inner = choices.add_parser(name, help=text.partition('\n')[0])
        if not whole:
            continue
        command = command.load() if isinstance(command, Group) else command
        if isinstance(command, Mapping):
            add_commands(inner, command, whole)
        else:
            command(inner)


def train(parser: ArgumentParser) -> None:
    r"""Train a config.

        %(prog)s configs/gersp/r50.py --auto-scale-lr

    A task on a pre-trained backbone, with a report of what was not loaded:

        %(prog)s configs/downstream/detection/faster-rcnn_r50_dior.py \
            --pretrained work_dirs/gersp/r50/epoch_100.pth

    Several GPUs, or several CPU processes: tools/dist_train.sh.
    """
    parser.add_argument('config', help='e.g. configs/gersp/r50.py')
    parser.add_argument(
        '--work-dir',
        help='folder of checkpoints and logs; default work_dirs/<method>/<config>',
    )
    parser.add_argument(
        '--pretrained',
        metavar='CHECKPOINT',
        help='start with the backbone of this file: a pre-training of ours or an '
        "official one, an export, torchvision, timm; also config key 'checkpoint'",
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='start although --pretrained does not fill the whole backbone',
    )
    parser.add_argument(
        '--inflate-stem',
        action='store_true',
        help='adapt the first layer of a --pretrained RGB backbone to the bands of '
        "model.backbone; also config key 'inflate_stem'",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='resume from the newest checkpoint in the work dir, or from PATH',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: bfloat16 where the device has it, else float16',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate to the number of samples per step',
    )
    parser.add_argument(
        '--auto-scale-schedule',
        action='store_true',
        help="fit the teacher's momentum, and schedules that count steps, to it; "
        'docs/reliability.md',
    )
    parser.add_argument('--no-validate', action='store_true', help='skip validation')
    _add_run_arguments(parser, 'train_dataloader.batch_size=64')
    parser.set_defaults(run=_train)


def _train(local_rank: int, cfg_options: Sequence[str], **options: Any) -> None:
    from rsp.engine.cfg_options import parse_options
    from rsp.engine.distributed import leave_process_group
    from rsp.engine.processes import (
        StopHook,
        Stopped,
        hold_work_dir,
        stop_on_signals,
    )
    from rsp.engine.train import build_runner, training_config
    from rsp.engine.wrong_config import explain_steps

    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    with stop_on_signals(launched=options['launcher'] == 'pytorch'):
        cfg = training_config(cfg_options=parse_options(cfg_options), **options)
        with hold_work_dir(cfg.work_dir) if is_first() else nullcontext():
            runner, stop = build_runner(cfg), StopHook()
            runner.register_hook(stop)
            try:
                with explain_steps(runner, cfg):
                    runner.train()
            except (Stopped, Exception) as error:
                stop.save_after_validation(runner, error)
                raise
        leave_process_group()


def test(parser: ArgumentParser) -> None:
    r"""Evaluate a checkpoint with the test of a config.

        %(prog)s --out result.json \
            configs/downstream/classification/r18_eurosat-quickstart_probe.py \
            work_dirs/gersp/r18_quickstart/backbone.pth

    CHECKPOINT is a pre-training checkpoint (its student is taken), an exported backbone
    or a fine-tuned model; 'random' evaluates untrained weights. A tensor of the model
    that the file does not hold is an error.
    """
    parser.add_argument('config', help='a config with test_cfg')
    parser.add_argument('checkpoint', help="a file, or 'random' (also 'none')")
    parser.add_argument(
        '--work-dir', help='folder of logs; default work_dirs/<folder>/<config>'
    )
    parser.add_argument('--out', help='file for the result: .json, .yaml or .pkl')
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        default='metrics',
        help='what to write: metrics, or the prediction of every image (.pkl)',
    )
    parser.add_argument(
        '--show-dir', help='folder for painted predictions beside the truth'
    )
    parser.add_argument(
        '--format-only',
        metavar='PREFIX',
        help="write files for a benchmark's server instead of scores",
    )
    _add_run_arguments(parser, 'test_dataloader.batch_size=64')
    parser.set_defaults(run=_test)


def _test(
    local_rank: int,
    cfg_options: Sequence[str],
    out: str | None,
    out_item: str,
    **options: Any,
) -> None:
    from rsp.engine.cfg_options import parse_options
    from rsp.engine.distributed import leave_process_group
    from rsp.engine.test import check_result_file, evaluate, evaluation_config

    os.environ.setdefault('LOCAL_RANK', str(local_rank))
    check_result_file(out, out_item)
    cfg = evaluation_config(cfg_options=parse_options(cfg_options), **options)
    evaluate(cfg, out, out_item)
    leave_process_group()


def pretrain(parser: ArgumentParser) -> None:
    r"""Pre-train on a folder of scenes or images, from this line to a backbone.

        %(prog)s data/scenes
        %(prog)s data/scenes --method geokr --land-cover data/landcover

    Scans the folder, drafts a config, says what it decided, estimates the time, trains,
    and exports. In work_dirs/pretrain/<name of FOLDER> or --out:

        backbone.safetensors    for fine-tuning and other libraries, with its card
        report.html             curves, health, alarms of the training
        scan/                   report.html of the data, and the config

    The same line goes on where an interrupted run stopped. Train with a changed config,
    or on several GPUs, by `rsp train` and tools/dist_train.sh.
    """
    parser.add_argument('folder', type=Path, help='scenes or images')
    parser.add_argument('--out', type=Path, help='folder for the results')
    parser.add_argument(
        '--method',
        choices=['auto', 'cmid', 'gersp', 'geokr', 'moco'],
        default='auto',
        help='default: geokr with a land cover or labels, else cmid',
    )
    from rsp.prepare.cli import add_data_arguments

    add_data_arguments(parser)
    parser.add_argument(
        '--no-estimate', action='store_true', help='start without a trial of 15 s'
    )
    add_cfg_options(parser, 'train_cfg.max_epochs=2')
    parser.set_defaults(run=_pretrain)


def _pretrain(
    folder: Path,
    out: Path | None,
    method: str,
    recipe: str | None,
    bands: Sequence[int | str] | None,
    no_estimate: bool,
    cfg_options: Sequence[str],
    **options: Any,
) -> None:
    from rsp.engine.logs.terminal import brief_terminal
    from rsp.errors import visible
    from rsp.prepare.generate.choices import choose_options
    from rsp.prepare.pretrain import draft, estimate, finish

    def tell(text: str) -> None:
        print(visible(text), flush=True)

    out = out or Path('work_dirs', 'pretrain', folder.resolve().name)
    given = None if method == 'auto' else method
    chosen, choices = choose_options(given, recipe, bands, **options)
    config = draft(folder, out, chosen, choices, tell)
    if not no_estimate:
        estimate(config, cfg_options, tell)
    begun = (out / 'last_checkpoint').exists()
    what = 'going on where it stopped' if begun else 'training'
    tell(f"{what}; everything that it logs is in '{out}'")
    with brief_terminal():
        _train(
            0,
            cfg_options,
            config=str(config),
            work_dir=str(out),
            resume='auto' if begun else None,
            # The drafted batch follows from the number of images.
            auto_scale_lr=True,
            launcher='none',
        )
    finish(out, tell)


def pilot(parser: ArgumentParser) -> None:
    r"""Tell what a training will cost, before it starts.

        %(prog)s configs/gersp/r50.py --seconds 60

    Trains the config for a minute, with its data, loader and hooks, and tells hours of
    the whole schedule, memory, where the time goes, the one change that helps most,
    and the largest batch. Nothing is kept. It refuses what training refuses.
    """
    parser.add_argument('config', help='e.g. configs/gersp/r50.py')
    parser.add_argument(
        '--seconds',
        type=float,
        default=60,
        help='time to train and validate; each change is tried for a third of it',
    )
    parser.add_argument(
        '--no-trials',
        action='store_true',
        help='the bill alone: try no change, look for no largest batch',
    )
    parser.add_argument('--json', action='store_true', help='print all numbers')
    parser.add_argument('--amp', action='store_true', help='as for train')
    parser.add_argument('--pretrained', metavar='CHECKPOINT', help='as for train')
    parser.add_argument('--no-validate', action='store_true', help='as for train')
    add_cfg_options(parser, 'train_dataloader.num_workers=8')
    parser.set_defaults(run=_pilot)


def _pilot(json: bool, no_trials: bool, seconds: float, **options: Any) -> None:
    from json import dumps

    from rsp.engine.pilot.pilot import pilot
    from rsp.engine.pilot.report import report
    from rsp.errors import print_once

    result = pilot(seconds=seconds, trials=not no_trials, tell=print_once, **options)
    print(dumps(result, indent=2) if json else report(result))


def replay(parser: ArgumentParser) -> None:
    """Take a step again that a run skipped, since its numbers were not finite.

        %(prog)s work_dirs/gersp/r50/non_finite/step_1234_rank_0.pth

    Prints its losses, its images, and the first module whose output is not finite. Ends
    with 1 if losses or gradient are not those of the run, bit for bit.
    """
    parser.add_argument('dump', help='a file in <work_dir>/non_finite')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open a file that can run code; only for files of your own',
    )
    parser.set_defaults(run=_replay)


def _replay(dump: str, trust: bool) -> int:
    from rsp.engine.replay import replay

    return replay(dump, trust)


def report(parser: ArgumentParser) -> None:
    """Report a training as one page, or several side by side.

        %(prog)s work_dirs/gersp/r50
        %(prog)s work_dirs/gersp/r50 work_dirs/moco/v2_r50_maid --out compared.html

    Recipe and what differs from it, curves, health, probes, pictures, speed, loaded
    weights, environment; alarms on top. A training writes its own when it ends; this
    is for one that still runs or was interrupted, and for comparing.
    """
    parser.add_argument(
        'work_dirs', nargs='+', metavar='WORK_DIR', help='of a run, or a folder of some'
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='default: report.html in the work dir, or in the folder of all of them',
    )
    parser.set_defaults(run=_report)


def _report(work_dirs: Sequence[str], out: Path | None) -> None:
    from rsp.engine.report.render import write_report

    print(write_report(work_dirs, out))


def completion(parser: ArgumentParser) -> None:
    """Print a script by which a shell completes commands, options, configs and files.

    %(prog)s bash > ~/.local/share/bash-completion/completions/rsp
    %(prog)s zsh > ~/.zfunc/_rsp       # with fpath+=~/.zfunc before compinit
    %(prog)s fish > ~/.config/fish/completions/rsp.fish
    """
    parser.add_argument('shell', choices=['bash', 'zsh', 'fish'])
    parser.set_defaults(run=_completion)


def _completion(shell: str) -> None:
    from rsp.io.completion import completion_script

    parser = ArgumentParser('rsp')
    add_commands(parser, COMMANDS, whole=True)
    print(completion_script(parser, shell))


def _add_run_arguments(parser: ArgumentParser, example: str) -> None:
    """Add what training and testing share."""
    add_cfg_options(parser, example)
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open checkpoints that can run code; only for files of your own',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='who started this process; set by the shell scripts',
    )
    # torchrun sets LOCAL_RANK, older launchers pass this argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def _checkpoint() -> Mapping[str, Any]:
    from rsp.checkpoints.cli import COMMANDS

    return COMMANDS


def _analyze() -> Mapping[str, Any]:
    from rsp.evaluation.analysis.cli import COMMANDS

    return COMMANDS


def _prepare() -> Mapping[str, Any]:
    from rsp.prepare.cli import COMMANDS

    return COMMANDS


def _transfer(parser: ArgumentParser) -> None:
    """Compare checkpoints on downstream tasks, over seeds, in one table."""
    from rsp.prepare.transfer.cli import transfer

    transfer(parser)
    parser.description = getdoc(transfer)


COMMANDS: dict[str, Any] = {
    'pretrain': pretrain,
    'train': train,
    'test': test,
    'pilot': pilot,
    'replay': replay,
    'report': report,
    'transfer': _transfer,
    'analyze': Group('Look into trained backbones, side by side.', _analyze),
    'checkpoint': Group('Inspect, convert, verify, export files.', _checkpoint),
    'completion': completion,
    'prepare': Group('Scan, tile, label, convert, split and check data.', _prepare),
}

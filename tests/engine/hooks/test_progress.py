import io
import logging
import re
import sys
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub, MMLogger
from rich.console import Console

from rsp.engine.hooks import ProgressHook, progress


class Terminal(io.StringIO):
    """Interprets what is written, as far as rich writes it, into lines."""

    def isatty(self):
        return True

    def screen(self):
        lines, row, column = [''], 0, 0
        for token in re.findall(
            r'\x1b\[[?\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+', self.getvalue()
        ):
            if token == '\r':
                column = 0
            elif token == '\n':
                row, column = row + 1, 0
                lines += [''] * (row + 1 - len(lines))
            elif token == '\x1b[2K':
                lines[row] = ''
            elif match := re.fullmatch(r'\x1b\[(\d+)A', token):
                row -= int(match[1])
            elif not token.startswith('\x1b'):
                line = lines[row].ljust(column)
                lines[row] = line[:column] + token + line[column + len(token) :]
                column += len(token)
        return [line.rstrip() for line in lines]


@pytest.fixture
def terminal(monkeypatch):
    screen = Terminal()
    # In the test's own body: pytest changes sys.stdout after the fixtures.
    screen.attach = lambda: monkeypatch.setattr(sys, 'stdout', screen)
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setenv('COLUMNS', '100')
    return screen


@pytest.fixture
def run(request):
    """A run of 4 epochs of 10 steps, in the middle of its second epoch."""
    hub = MessageHub.get_instance(request.node.name)
    for loss, seconds in ((9.0, 3.0), (2.0, 0.25), (4.0, 0.75)):
        hub.update_scalar('train/lr', 0.007)
        hub.update_scalar('train/data_time', seconds / 4)
        hub.update_scalar('train/time', seconds)
        hub.update_scalar('train/top1', 50.0)
        hub.update_scalar('train/loss_contrast', loss)
    hub.update_info('eta', 3725.4)
    dataset = SimpleNamespace(sources=dict(remote=0, natural=0))

    class Loader(SimpleNamespace):
        def __len__(self):
            return 10

    loader = Loader(batch_size=4, dataset=dataset, batch_sampler=None)
    return SimpleNamespace(
        message_hub=hub,
        train_dataloader=loader,
        val_dataloader=loader,
        world_size=3,
        epoch=1,
        iter=12,
        max_epochs=4,
        max_iters=40,
    )


def rendered(renderable, width=120):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def test_the_bar_counts_pairs_of_all_processes(run):
    # The last 2 steps took 0.5 s on average: 4 pairs x 3 processes / 0.5 s = 24.
    text = rendered(progress.training_lines(run, batch_idx=2, window=2))
    assert text.startswith('epoch 2/4 ')
    assert '3/10 24.0 pairs/s · data 25% · 1:02:05 left' in text
    assert text.splitlines()[1] == 'loss_contrast 3 · top1 50 · lr 0.007'


def test_a_run_by_iterations_counts_those(run):
    run.max_epochs, run.max_iters = 1, 5000
    text = rendered(progress.training_lines(run, batch_idx=2, window=2))
    assert text.startswith('training ')
    assert ' 13/5000 ' in text


def test_narrow_terminals_get_whole_values(run):
    text = rendered(progress.training_lines(run, batch_idx=2, window=2), width=30)
    assert ' '.join(text.split()).endswith('loss_contrast 3 · top1 50 · lr 0.007')


def test_nothing_is_written_without_a_terminal(run, monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(sys, 'stdout', file)
    hook = ProgressHook()
    hook.before_train(run)
    hook.after_train_iter(run, 0)
    hook.after_train(run)
    assert file.getvalue() == ''


def test_only_the_first_process_draws(run, terminal, monkeypatch):
    monkeypatch.setattr(progress, 'is_main_process', lambda: False)
    terminal.attach()
    hook = ProgressHook(interval=0)
    hook.before_train(run)
    hook.after_train_iter(run, 0)
    assert terminal.getvalue() == ''


def test_a_dumb_terminal_gets_plain_lines(run, terminal, monkeypatch):
    monkeypatch.setenv('TERM', 'dumb')
    terminal.attach()
    ProgressHook().before_train(run)
    assert terminal.getvalue() == ''


@pytest.fixture
def open_bar(run, terminal):
    """Return a function that opens a bar on the terminal."""
    bar = ProgressHook(interval=0)

    def open_bar():
        terminal.attach()
        bar.before_train(run)
        assert terminal.getvalue()
        return bar

    yield open_bar
    bar.close()


def test_log_lines_scroll_above_the_bar(run, terminal, open_bar, request):
    terminal.attach()
    logger = MMLogger.get_instance(f'{request.node.name}-log')
    bar = open_bar()
    long_line = 'saving checkpoint ' + 'x' * 150
    bar.after_train_iter(run, 2)
    logger.info(long_line)
    bar.after_train_iter(run, 3)
    print('printed by a library', end='')
    bar.after_train_iter(run, 4)
    print(', in two parts')
    bar.after_train_iter(run, 5)
    bar.after_train(run)

    screen = [line for line in terminal.screen() if line]
    assert [line.split(' - ')[-1] for line in screen[:2]] == [
        long_line,
        'printed by a library, in two parts',
    ]
    assert len(screen) == 4
    assert screen[2].startswith('epoch 2/4 ')
    assert ' 6/10 ' in screen[2]
    assert screen[3].startswith('loss_contrast')


def test_streams_are_given_back(run, terminal, request):
    terminal.attach()
    logger = MMLogger.get_instance(f'{request.node.name}-log')
    for close in ('after_train', 'after_failure'):
        hook = ProgressHook()
        hook.before_train(run)
        assert sys.stdout is not terminal
        getattr(hook, close)(run)
        assert sys.stdout is terminal
        streams = [
            h.stream for h in logger.handlers if type(h) is logging.StreamHandler
        ]
        assert streams == [terminal]
        assert terminal.getvalue().endswith('\x1b[?25h')  # the cursor is back


def test_a_step_costs_nothing_between_two_frames(run, open_bar, monkeypatch):
    bar = open_bar()

    class Untouchable:
        def __getattribute__(self, name):
            raise AssertionError(f'{name} was read')

    bar.interval = 60
    drawn = []
    monkeypatch.setattr(bar, '_draw', drawn.append)
    bar._drawn = progress.time.time()
    run.message_hub = Untouchable()
    for step in range(5):
        bar.after_train_iter(run, step, outputs=Untouchable())
    assert drawn == []


def test_validation_is_shown(run, open_bar, terminal):
    open_bar().after_val_iter(run, 6)
    [line] = [line for line in terminal.screen() if line]
    assert line.startswith('validating ')
    assert line.endswith(' 7/10')


def test_a_forked_worker_writes_past_the_bar(open_bar, terminal, monkeypatch):
    open_bar()
    monkeypatch.setattr(progress.os, 'getpid', lambda: -1)
    print('from a worker')
    assert terminal.getvalue().endswith('from a worker\n')

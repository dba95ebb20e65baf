"""A brief terminal: what people watch is there, the rest in the log file alone."""

import logging

import pytest
from mmengine.logging import MMLogger

from rsp.engine.logs.terminal import brief_terminal, shorten_terminal


@pytest.fixture
def make_logger(tmp_path):
    """Return a function that builds the logger of a run on the captured terminal."""
    made = []

    def make():
        made.append(MMLogger('run', 'run', log_file=str(tmp_path / 'run.log')))
        return made[-1]

    yield make
    for handler in [h for logger in made for h in logger.handlers]:
        handler.close()


def say(logger, level, text, path):
    logger.handle(logging.LogRecord('run', level, path, 1, text, (), None))


def test_environment_and_config_are_in_the_log_file_alone(
    make_logger, tmp_path, capsys
):
    logger = make_logger()
    with brief_terminal():
        shorten_terminal(logger)
    say(logger, logging.INFO, 'sys.platform: linux', 'mmengine/runner/runner.py')
    say(logger, logging.INFO, 'Epoch(train) [1][5/37]', 'mmengine/hooks/logger_hook.py')
    say(logger, logging.WARNING, 'loss is rising', 'mmengine/runner/runner.py')
    skipped = 'teacher.neck.bias is skipped since its requires_grad=False'
    say(logger, logging.WARNING, skipped, 'mmengine/optim/constructor.py')
    logger.info('never of this project')
    shown = capsys.readouterr().out
    assert 'Epoch(train)' in shown
    assert 'loss is rising' in shown
    for hidden in ('sys.platform', 'is skipped', 'never of this project'):
        assert hidden not in shown
    logged = (tmp_path / 'run.log').read_text()
    for text in ('sys.platform', 'Epoch(train)', 'loss is rising', 'is skipped'):
        assert text in logged


def test_lines_that_repeat_the_bar_are_left_out_where_there_is_one(
    make_logger, monkeypatch, capsys
):
    logger = make_logger()
    monkeypatch.setattr('sys.stdout.isatty', lambda: True, raising=False)
    with brief_terminal():
        shorten_terminal(logger)
    say(logger, logging.INFO, 'Epoch(train) [1][5/37]', 'mmengine/hooks/logger_hook.py')
    assert 'Epoch' not in capsys.readouterr().out


def test_a_training_by_itself_shows_everything(make_logger, tmp_path, capsys):
    logger = make_logger()
    shorten_terminal(logger)
    say(logger, logging.INFO, 'sys.platform: linux', 'mmengine/runner/runner.py')
    assert 'sys.platform' in capsys.readouterr().out

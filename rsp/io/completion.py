"""Write scripts by which shells complete commands, options, configs and files."""

from argparse import ArgumentParser, _SubParsersAction
from pathlib import Path

from rsp.io.configs import known_configs

SHELLS = ('bash', 'zsh', 'fish')


def completion_script(parser: ArgumentParser, shell: str) -> str:
    """Return the script of a shell for a parser with all its commands.

    It holds the commands, options and configs of this release; files are completed
    wherever an option takes a value that is not one of a few.

    Args:
        parser: Of the whole program.
        shell: One of `SHELLS`.

    Returns:
        Its text.
    """
    # Not at the top: an extra of its own.
    import shtab

    _complete_values(parser, shtab.FILE, _configs())
    return shtab.complete(parser, shell)


def _complete_values(parser: ArgumentParser, files: dict, configs: dict) -> None:
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for inner in {*action.choices.values()}:
                _complete_values(inner, files, configs)
        elif action.choices is None and action.nargs != 0:
            plain = action.type in (None, Path)
            if action.dest == 'config':
                action.complete = configs  # type: ignore[attr-defined]
            elif plain and action.dest != 'cfg_options':
                action.complete = files  # type: ignore[attr-defined]


def _configs() -> dict:
    """Return what completes a config: files, and those of the project by name."""
    names = ' '.join(name.removeprefix('configs/') for name in known_configs())
    return dict(
        bash='_rsp_configs',
        zsh='_rsp_configs',
        fish='(_rsp_configs)',
        preamble=dict(
            bash=f'_rsp_configs() {{ compgen -f -- $1; compgen -W "{names}" -- $1; }}',
            zsh=f'_rsp_configs() {{ _files; compadd -- {names} }}',
            fish='function _rsp_configs; __fish_complete_path (commandline -ct); '
            f"string split ' ' '{names}'; end",
        ),
    )

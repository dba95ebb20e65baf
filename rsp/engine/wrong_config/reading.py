"""Read a config; what is wrong in the file is told with its line."""

import difflib
from pathlib import Path
from types import TracebackType

from mmengine.config import Config

from rsp.compat import find_configs_of_mmseg
from rsp.engine.wrong_config.frames import frames_of
from rsp.errors import MissingData, UserError, how_to_install


def read_config(path: str | Path) -> Config:
    """Read a config and import the modules that it names.

    Raises:
        MissingData: If a config of its ``_base_`` does not exist.
        UserError: If it is no valid config, with file and line. Errors in code that a
            config calls or imports are not mistakes of a config, and pass.
    """
    find_configs_of_mmseg()
    try:
        return Config.fromfile(path)
    except UserError:
        raise
    except ImportError as error:
        raise _wrong_import(error) or error from error
    except Exception as error:
        refusal = _wrong_file(error, Path(path))
        if refusal is None:
            raise
        raise refusal from error


def _wrong_file(error: Exception, path: Path) -> UserError | None:
    frames = frames_of(error)
    # Bases are read inside of what inherits from them.
    files = [
        Path(frame.tb_frame.f_locals['filename'])
        for frame in frames
        if frame.tb_frame.f_code.co_name == '_file2dict'
        and 'filename' in frame.tb_frame.f_locals
    ]
    file = files[-1] if files else path
    if len(files) > 1 and isinstance(error, FileNotFoundError) and not file.is_file():
        return _missing_base(file, files[-2])
    if isinstance(error, SyntaxError):
        return UserError(f'{file}, line {error.lineno}: {error.msg}; correct it.')
    lines = [f for f in frames if f.tb_frame.f_code.co_filename == str(file.absolute())]
    if lines and not _in_config(frames[-1], lines[-1]):
        return None
    where = f'{file}, line {lines[-1].tb_lineno}' if lines else str(file)
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else error
    return UserError(f'{where}: {type(error).__name__}: {_one_line(str(text))}')


def _missing_base(file: Path, child: Path) -> MissingData:
    names = [other.name for other in file.parent.glob(f'*{file.suffix}')]
    near = difflib.get_close_matches(file.name, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else '; correct the path.'
    return MissingData(f"{child}: _base_ names '{file}', which does not exist{hint}")


def _in_config(innermost: TracebackType, config: TracebackType) -> bool:
    """Tell whether an error comes from the config, not from code that it calls."""
    module = str(innermost.tb_frame.f_globals.get('__name__', ''))
    return innermost is config or module.partition('.')[0] in ('mmengine', 'addict')


def _wrong_import(error: ImportError) -> UserError | None:
    """Name the module of ``custom_imports`` that is not there, or lacks another."""
    first: BaseException = error
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    if not isinstance(first, ImportError):
        return None
    frames = frames_of(error)
    dicts = [f.tb_frame.f_locals.get('cfg_dict') for f in frames]
    config = next((d for d in dicts if d and d.get('custom_imports')), None)
    if config is None:
        return None
    named = config['custom_imports'].get('imports') or []
    named = [named] if isinstance(named, str) else list(named)
    missing = first.name or ''
    if any(f'{module}.'.startswith(f'{missing}.') for module in named if missing):
        near = difflib.get_close_matches(missing, [f.stem for f in Path().glob('*.py')])
        hint = f"; did you mean '{near[0]}'?" if near else ''
        return UserError(
            f"custom_imports: there is no module '{missing}'"
            f'{hint or "; is its folder in PYTHONPATH?"}'
        )
    what = f'custom_imports: cannot import {", ".join(map(repr, named))}'
    if isinstance(first, ModuleNotFoundError) and (remedy := how_to_install(first)):
        return UserError(f'{what}: {remedy}')
    last = frames_of(first)[-1]
    file, line = last.tb_frame.f_code.co_filename, last.tb_lineno
    return UserError(f'{what}: {_one_line(str(first))} ({file}, line {line}).')


def _one_line(text: str) -> str:
    return ' '.join(text.split())

import os
import pickle
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub

from rsp import checkpoints


class Payload:
    """Unpickled by an unsafe loader, this makes a file."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


def test_log_buffers_and_numpy_numbers_come_back(tmp_path):
    hub = MessageHub('test_reading')
    for value in (1.0, 2.0, 6.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('val/top1', np.float64(12.5))
    hub.update_info('counts', np.arange(3, dtype=np.int32))
    file = tmp_path / 'epoch_1.pth'
    torch.save(dict(state_dict={}, message_hub=hub.state_dict()), file)
    state = checkpoints.read(file)['message_hub']
    assert state['log_scalars']['train/loss'].mean() == 3.0
    assert state['log_scalars']['train/loss'].statistics('max') == 6.0
    assert state['runtime_info']['val/top1'] == 12.5
    assert state['runtime_info']['counts'].tolist() == [0, 1, 2]


@pytest.mark.parametrize('module', ['numpy.core', 'numpy._core'])
def test_files_of_both_numpy_generations_are_read(tmp_path, module):
    file = tmp_path / 'a.pth'
    torch.save(dict(x=np.float32(1.5), y=np.ones(2)), file)
    # The generation is a module name in the pickle; same length is not needed, since
    # names are read up to the end of the line.
    import zipfile

    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    [pickled] = [name for name in members if name.endswith('data.pkl')]
    for other in (b'numpy._core.', b'numpy.core.'):
        members[pickled] = members[pickled].replace(other, module.encode() + b'.')
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_STORED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    assert checkpoints.read(file)['x'] == 1.5


@pytest.mark.parametrize(
    'call',
    [
        lambda made: (os.mkdir, (made,)),
        lambda made: (eval, (f'__import__("os").mkdir({made!r})',)),
        # Through what mmengine's own list allows: getattr.
        lambda made: (getattr, (HistoryBuffer, '__init__')),
        lambda made: (getattr, (np.ndarray, 'tofile')),
    ],
)
def test_no_code_of_a_file_is_run(tmp_path, call):
    file, made = tmp_path / 'evil.pth', tmp_path / 'made'
    torch.save(dict(state_dict={}, meta=Payload(call(str(made)))), file)
    with pytest.raises(ValueError, match=r'evil.pth. holds more than tensors.*refused'):
        checkpoints.read(file)
    assert not made.exists()


def test_an_old_torch_opens_weights_and_refuses_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, '__version__', '2.5.1+cu124')
    torch.save(dict(a=torch.ones(2)), tmp_path / 'weights.pth')
    assert checkpoints.read(tmp_path / 'weights.pth')['a'].tolist() == [1, 1]
    torch.save(dict(log=HistoryBuffer([1.0], [1])), tmp_path / 'run.pth')
    with pytest.raises(
        ValueError, match=r'torch 2.5.1\+cu124 cannot open .*torch >= 2.6'
    ):
        checkpoints.read(tmp_path / 'run.pth')


def test_a_cut_off_file_is_named_with_its_neighbors(tmp_path):
    torch.save(dict(state_dict=dict(a=torch.zeros(999))), tmp_path / 'epoch_1.pth')
    whole = (tmp_path / 'epoch_1.pth').read_bytes()
    (tmp_path / 'epoch_2.pth').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r'epoch_2.pth. is cut off.*holds epoch_1.pth'):
        checkpoints.read(tmp_path / 'epoch_2.pth')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('version https://git-lfs.github.com/spec/v1\noid', 'fetch .* by git lfs pull'),
        (
            '<!DOCTYPE html><html>404',
            "begins with b'<!DOCTYPE html>.*Download it again",
        ),
    ],
)
def test_what_a_download_leaves_instead_is_not_called_dangerous(tmp_path, text, words):
    """No --trust would open it, nor should anybody be asked for that."""
    (tmp_path / 'a.pth').write_text(text)
    with pytest.raises(ValueError, match=words) as refusal:
        checkpoints.read(tmp_path / 'a.pth')
    assert '--trust' not in str(refusal.value)


def test_another_kind_of_file_is_no_checkpoint(tmp_path):
    (tmp_path / 'notes.pth').write_text('hello\n')
    with pytest.raises(ValueError, match=r'notes.pth. is no checkpoint'):
        checkpoints.read(tmp_path / 'notes.pth')


def test_a_file_without_names_is_refused(tmp_path):
    torch.save(torch.zeros(3), tmp_path / 'tensor.pth')
    with pytest.raises(ValueError, match=r'a dictionary in .*tensor.pth., got Tensor'):
        checkpoints.read(tmp_path / 'tensor.pth')


def test_a_missing_file_tells_what_is_there(tmp_path):
    (tmp_path / 'epoch_1.pth').write_bytes(b'')
    with pytest.raises(FileNotFoundError, match=r'no checkpoint at .*x.pth.*epoch_1'):
        checkpoints.read(tmp_path / 'x.pth')
    with pytest.raises(FileNotFoundError, match=r'no-folder. does not exist'):
        checkpoints.read(tmp_path / 'no-folder' / 'x.pth')


def test_an_untouched_folder_has_nothing_to_resume(tmp_path):
    assert checkpoints.resume_target(tmp_path, None) is None
    assert checkpoints.resume_target(tmp_path / 'new', None) is None


def test_old_pickles_are_refused_like_new_ones(tmp_path):
    file = tmp_path / 'old.pth'
    file.write_bytes(pickle.dumps(Payload((os.getpid, ()))))
    with pytest.raises(ValueError, match=r'old.pth'):
        checkpoints.read(file)


def test_a_file_that_is_kept_is_opened_once(tmp_path):
    """Training reads it early, to fail early; the runner is handed what was read."""
    file, opened = tmp_path / 'a.pth', []
    torch.save(dict(a=torch.zeros(3)), file)
    sys.addaudithook(
        lambda event, args: (
            event == 'open' and args[0] == str(file) and opened.append(1)
        )
    )
    first = checkpoints.read(file, keep=True)
    assert checkpoints.read(str(file)) is first
    assert len(opened) == 1
    # Nothing is held any longer than to the next call.
    assert checkpoints.read(file) is not first
    assert len(opened) == 2


def test_a_file_that_was_replaced_is_read_again(tmp_path):
    file = tmp_path / 'a.pth'
    torch.save(dict(a=torch.zeros(3)), file)
    checkpoints.read(file, keep=True)
    torch.save(dict(a=torch.ones(30)), file)
    assert checkpoints.read(file)['a'].sum() == 30

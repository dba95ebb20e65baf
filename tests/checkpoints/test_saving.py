"""Files are whole, sealed and readable by others, or not there."""

import errno
import hashlib
import os
import resource
import signal
import zipfile

import pytest
import torch
from mmengine.fileio.backends import LocalBackend

from rsp import checkpoints
from rsp.checkpoints import saving
from rsp.checkpoints.reading.files import DamagedFile
from rsp.checkpoints.reading.finite import non_finite
from rsp.errors import UserError


def content(value=1.0, size=5000):
    return dict(
        state_dict=dict(weight=torch.full((size,), value)), meta=dict(iter=1), a='x'
    )


def flip(file, place):
    data = bytearray(file.read_bytes())
    data[place] ^= 0x10
    file.write_bytes(data)


def test_other_tools_read_the_file_as_before(tmp_path):
    file = tmp_path / 'a.pth'
    saving.write(content(), str(file))
    for more in (dict(), dict(mmap=True)):
        found = torch.load(file, weights_only=True, **more)
        assert torch.equal(found['state_dict']['weight'], torch.ones(5000))
    assert zipfile.ZipFile(file).testzip() is None
    assert checkpoints.read(file)['a'] == 'x'


def test_the_file_ends_in_the_sha_of_the_rest(tmp_path):
    file = tmp_path / 'a.pth'
    saving.write(content(), str(file))
    data = file.read_bytes()
    assert data[-64:].decode() == hashlib.sha256(data[:-75]).hexdigest()


@pytest.mark.parametrize('sealed', [True, False])
def test_any_flipped_bit_of_the_numbers_and_any_cut_is_noticed(tmp_path, sealed):
    file = tmp_path / 'a.pth'
    if sealed:
        saving.write(content(), str(file))
    else:
        torch.save(content(), file)
    whole = file.read_bytes()
    places = range(64, len(whole) - 80, 397) if sealed else range(3000, 18000, 911)
    for place in places:
        file.write_bytes(whole)
        flip(file, place)
        with pytest.raises(DamagedFile, match=r"a\.pth' is .*damaged"):
            checkpoints.read(file)
    for length in [*range(0, len(whole), len(whole) // 10), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(DamagedFile, match=r'cut off|no checkpoint'):
            checkpoints.read(file)


def test_files_without_any_checksum_are_read(tmp_path):
    file = tmp_path / 'a.pth'
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(content(), file)
    finally:
        torch.serialization.set_crc32_options(True)
    assert checkpoints.read(file)['a'] == 'x'


def test_a_full_disk_leaves_the_former_file_and_no_rest(tmp_path, monkeypatch):
    saving.write(content(1.0), str(tmp_path / 'epoch_1.pth'))

    def put(self, obj, filepath):
        with open(filepath, 'wb') as stream:
            stream.write(obj[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(LocalBackend, 'put', put)
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        with pytest.raises(
            UserError, match=r'No space left.*it takes .*MB are free.*epoch_1.pth there'
        ):
            saving.write(content(2.0), str(tmp_path / name))
    assert os.listdir(tmp_path) == ['epoch_1.pth']
    state = checkpoints.read(tmp_path / 'epoch_1.pth')['state_dict']
    assert torch.equal(state['weight'], torch.ones(5000))


def test_a_limit_of_the_system_is_told_in_one_line(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(
            UserError, match=r'File too large.*no earlier one'
        ) as caught:
            saving.write(content(), str(tmp_path / 'a.pth'))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert '\n' not in str(caught.value)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize('number', [float('nan'), float('inf')])
def test_a_model_gone_wrong_replaces_nothing(tmp_path, number):
    file = tmp_path / 'a.pth'
    saving.write(content(3.0), str(file))
    with pytest.raises(UserError, match=r'NaN or infinity in 1 of 1 tensors .weight'):
        saving.write(content(number), str(file))
    assert checkpoints.read(file)['state_dict']['weight'][0] == 3


def test_a_mask_of_minus_infinity_is_no_fault():
    mask = torch.full((3, 3), -torch.inf).triu(1)
    assert non_finite(dict(mask=mask, count=torch.zeros(1, dtype=torch.long))) == []
    assert non_finite(dict(weight=mask + 1, nan=mask * 0)) == ['weight', 'nan']


def test_rests_of_killed_processes_go_and_nothing_else(tmp_path):
    rests = [
        '.epoch_3.0badcafe.unfinished.pth',
        '.best_a_iter_3.0badcafe.unfinished.pth',
        '.step_12_rank_1.0badcafe.unfinished.pth',
        '.health.0badcafe.unfinished.json',
    ]
    others = ['.backbone.0badcafe.unfinished.pth', 'epoch_3.pth', '.epoch_3.pth']
    for name in rests + others:
        (tmp_path / name).write_bytes(b'x')
    assert checkpoints.reading.saved_checkpoints(tmp_path) == ['epoch_3.pth']
    saving.remove_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(others)

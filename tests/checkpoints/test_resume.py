"""The newest whole file is taken, the damaged ones are named."""

import os
import shutil

import pytest
import torch

from rsp import checkpoints
from rsp.checkpoints import saving
from rsp.errors import MissingData, UserError


def save(folder, *names, value=1.0):
    for name in names:
        content = dict(
            state_dict=dict(weight=torch.full((9,), value)),
            meta=dict(epoch=1, iter=3),
            message_hub={},
        )
        if value == value:
            saving.write(content, str(folder / name))
        else:  # as another tool would write it
            torch.save(content, folder / name)
        times = [file.stat().st_mtime_ns for file in folder.glob('*.pth')]
        later = max(times) + 10**9
        os.utime(folder / name, ns=(later, later))


def note(folder, name):
    (folder / 'last_checkpoint').write_text(str(name))
    newest = max(file.stat().st_mtime_ns for file in folder.iterdir())
    os.utime(folder / 'last_checkpoint', ns=(newest, newest))


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def find(folder, path=None):
    told = []
    found = checkpoints.resume_target(folder, path, tell=told.append)
    return found and found.name, told


def test_an_untouched_folder_has_nothing_to_resume(tmp_path):
    assert find(tmp_path) == (None, [])
    assert find(tmp_path / 'new') == (None, [])


def test_the_last_checkpoint_is_resumed_even_from_a_moved_folder(tmp_path):
    save(tmp_path, 'epoch_2.pth')
    note(tmp_path, '/gone/work_dirs/run/epoch_2.pth')
    assert find(tmp_path) == ('epoch_2.pth', [])


def test_the_note_of_a_copied_folder_means_the_file_beside_it(tmp_path):
    """The former folder may hold another run's file of that name by now."""
    for name in ('former', 'copy'):
        (tmp_path / name).mkdir()
        save(tmp_path / name, 'epoch_2.pth')
        note(tmp_path / name, tmp_path / 'former/epoch_2.pth')
    told = []
    found = checkpoints.resume_target(tmp_path / 'copy', None, tell=told.append)
    assert (found, told) == (tmp_path / 'copy/epoch_2.pth', [])


def test_the_note_decides_in_a_folder_of_two_runs(tmp_path):
    save(tmp_path, 'epoch_9.pth', 'epoch_1.pth')
    note(tmp_path, tmp_path / 'epoch_1.pth')
    assert find(tmp_path) == ('epoch_1.pth', [])


def test_a_chosen_checkpoint_wins_over_the_last(tmp_path):
    save(tmp_path, 'epoch_1.pth', 'epoch_2.pth')
    note(tmp_path, tmp_path / 'epoch_2.pth')
    assert find(tmp_path, tmp_path / 'epoch_1.pth') == ('epoch_1.pth', [])


def test_a_file_that_was_renamed_and_not_noted_is_newer_than_the_note(tmp_path):
    save(tmp_path, 'epoch_1.pth')
    note(tmp_path, tmp_path / 'epoch_1.pth')
    save(tmp_path, 'epoch_2.pth')
    assert find(tmp_path) == ('epoch_2.pth', [])
    (tmp_path / 'last_checkpoint').unlink()
    assert find(tmp_path) == ('epoch_2.pth', [])
    (tmp_path / 'last_checkpoint').write_text('')
    assert find(tmp_path) == ('epoch_2.pth', [])


@pytest.mark.parametrize('text', [None, '', '/tmp/wor', '\0' * 40, 'x' * 5000])
def test_without_a_note_the_highest_number_is_the_newest(tmp_path, text):
    """Copies have lost the order of their times, and a crash may cut the note off."""
    save(tmp_path, 'best_acc_epoch_99.pth', 'latest.pth')
    for name in ('iter_30.pth', 'epoch_12.pth', 'epoch_9.pth', 'epoch_2.pth'):
        save(tmp_path, name)
    if text is not None:
        (tmp_path / 'last_checkpoint').write_text(text)
    assert find(tmp_path)[0] == 'epoch_12.pth'
    cut(tmp_path / 'epoch_12.pth')
    assert find(tmp_path)[0] == 'epoch_9.pth'


def test_folders_and_broken_links_are_no_checkpoints(tmp_path):
    save(tmp_path, 'epoch_1.pth')
    (tmp_path / 'epoch_2.pth').mkdir()
    (tmp_path / 'epoch_3.pth').symlink_to(tmp_path / 'gone')
    assert find(tmp_path) == ('epoch_1.pth', [])


def test_damaged_files_are_named_and_passed_over(tmp_path):
    save(tmp_path, *(f'epoch_{n}.pth' for n in (8, 9, 10, 11)), 'best_acc_epoch_9.pth')
    save(tmp_path, 'epoch_9-0123abcd.pth')
    note(tmp_path, tmp_path / 'epoch_11.pth')
    cut(tmp_path / 'epoch_11.pth')
    data = bytearray((tmp_path / 'epoch_10.pth').read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / 'epoch_10.pth').write_bytes(data)
    # A copy keeps names, not times.
    shutil.copy(tmp_path / 'epoch_8.pth', tmp_path / 'x')
    (tmp_path / 'x').rename(tmp_path / 'epoch_8.pth')
    found, told = find(tmp_path)
    assert found == 'epoch_9.pth'
    assert 'epoch_11.pth' in told[0]
    assert 'cut off' in told[0]
    assert 'epoch_10.pth' in told[1]
    assert 'SHA-256' in told[1]
    assert "going on from '" in told[2]
    assert len(told) == 3
    # The advice for a named one is a file that can be resumed.
    with pytest.raises(
        UserError, match=r'epoch_11.*--resume \S*epoch_9\.pth$'
    ) as caught:
        find(tmp_path, tmp_path / 'epoch_11.pth')
    advised = str(caught.value).rpartition('--resume ')[2]
    assert find(tmp_path, advised) == ('epoch_9.pth', [])
    assert find(tmp_path / 'elsewhere', tmp_path)[0] == 'epoch_9.pth'


def test_without_a_whole_file_a_run_begins_anew_unless_it_was_named(tmp_path):
    save(tmp_path, 'epoch_1.pth')
    cut(tmp_path / 'epoch_1.pth')
    note(tmp_path, tmp_path / 'epoch_1.pth')
    found, told = find(tmp_path)
    assert found is None
    assert 'starting from the beginning' in told[-1]
    with pytest.raises(UserError, match=r'No other checkpoint .* is whole'):
        find(tmp_path, tmp_path / 'epoch_1.pth')
    with pytest.raises(MissingData, match=r'got none that is whole.*holds epoch_1.pth'):
        find(tmp_path / 'elsewhere', tmp_path)


def test_a_note_of_a_deleted_checkpoint_is_told(tmp_path):
    save(tmp_path, 'epoch_1.pth')
    note(tmp_path, 'epoch_2.pth')
    found, told = find(tmp_path)
    assert found == 'epoch_1.pth'
    assert 'epoch_2.pth, which does not exist' in told[0]


def test_weights_of_other_kinds_are_not_resumed(tmp_path):
    torch.save(dict(state_dict=dict(a=torch.ones(1))), tmp_path / 'backbone.pth')
    assert find(tmp_path) == (None, [])


def test_nan_is_passed_over_and_refused_where_it_is_all_there_is(tmp_path):
    save(tmp_path, 'epoch_1.pth')
    save(tmp_path, 'epoch_2.pth', value=float('nan'))
    note(tmp_path, 'epoch_2.pth')
    found, told = find(tmp_path)
    assert found == 'epoch_1.pth'
    assert 'holds NaN or infinity (weight)' in told[0]
    with pytest.raises(UserError, match=r'holds NaN.*--resume .*epoch_1\.pth'):
        find(tmp_path, tmp_path / 'epoch_2.pth')
    (tmp_path / 'epoch_1.pth').unlink()
    with pytest.raises(UserError, match=r'train anew in another --work-dir'):
        find(tmp_path)

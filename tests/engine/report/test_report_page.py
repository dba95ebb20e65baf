import json
import logging
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from rsp.cli import main
from rsp.engine.logs.report_hook import ReportHook
from rsp.engine.report.charts import MOST_POINTS, _thinned, group_names, unit_of
from rsp.engine.report.render import common_folder, short_names, write_report
from rsp.engine.report.run import read_run

EVIL = '<script>alert("1")</script>'
# Chromium's narrowest window is broader than a phone.
FRAME = """<iframe id=f src="{page}" style="width:390px;height:900px"></iframe>
<script>f.onload = () => {{ let page = f.contentDocument.documentElement;
  document.title = page.scrollWidth <= page.clientWidth }}</script>"""


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = [], [], ''
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ('src', 'href', 'srcset', 'action')]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def work_dir(start, step):
    records = [
        {**step(n, 2.0 / n, contrast_top1=3.0 * n), EVIL: 0.1 * n} for n in range(1, 30)
    ]
    folder = start(
        folder='<b>run',
        records=records,
        lines=[f'WARNING - {EVIL}'],
        config=f'model=dict(type="X", name={EVIL!r})\n',
    )
    alarm = dict(iter=7, rule='collapse', text=EVIL)
    (folder / 'health.json').write_text(
        json.dumps(dict(measurements=3, alarms=[alarm]))
    )
    report = dict(source=EVIL, percent=99.0, parameters=10, missing=[EVIL], loaded=[])
    (folder / 'load_report.json').write_text(json.dumps(report))
    (folder / f'{EVIL[:8]}.json').write_text(json.dumps({EVIL: 1}))
    (folder / 'analysis').mkdir()
    picture = np.full((6, 1200, 3), 90, np.uint8)
    cv2.imwrite(str(folder / 'analysis' / 'map<i>.png'), picture)
    (folder / 'analysis' / 'broken.png').write_bytes(b'\x89PNG')
    return folder


def test_names_are_text_and_nothing_is_fetched(work_dir):
    page = Tags(write_report([work_dir]).read_text())
    assert not {'script', 'link', 'iframe', 'object', 'b>run', 'i'} & {*page.tags}
    assert page.links
    assert all(link.startswith('data:image/') for link in page.links)
    # In the alarm, the warning, the score, the missing tensor, the file, the config.
    assert page.text.count(EVIL) >= 6
    for shown in ('stopped at iteration 29', 'collapse', 'map<i>.png', 'broken.png'):
        assert shown in page.text


def test_two_runs_lie_side_by_side(work_dir, start, step, capsys):
    other = start(folder='other', records=[step(n, 1.0 / n) for n in (1, 2)])
    main(argv=['report', str(work_dir), str(other)])
    out = capsys.readouterr().out.strip()
    assert out == str(work_dir.parent / 'report.html')
    text = Tags(Path(out).read_text()).text
    assert '2 runs' in text
    assert 'What differs between the runs' in text


def test_an_empty_log_makes_a_page(start):
    page = write_report([start(records=[])])
    assert 'nothing logged' in page.read_text()


def test_runs_are_named_by_what_tells_them_apart(tmp_path):
    folders = [tmp_path / 'gersp' / 'r50', tmp_path / 'moco' / 'r50']
    assert short_names(folders) == ['gersp/r50', 'moco/r50']
    assert short_names(folders[:1]) == ['r50']
    assert common_folder(folders) == tmp_path
    assert common_folder([tmp_path / 'a', tmp_path / 'a' / 'b']) == tmp_path


def test_long_curves_keep_mean_and_range():
    values = np.random.default_rng(0).normal(size=10 * MOST_POINTS)
    values[77], values[500] = 50, np.nan
    steps, low, mean, high = _thinned(range(len(values)), values)
    assert len(steps) == MOST_POINTS
    assert high.max() == 50
    assert (low <= mean).all()
    assert (mean <= high).all()
    weights = np.full(MOST_POINTS, 10.0)
    weights[50] = 9
    np.testing.assert_allclose(np.average(mean, weights=weights), np.nanmean(values))


def test_quantities_have_units_and_sections():
    assert unit_of('supervised_top1') == 'per cent'
    assert unit_of('teacher.momentum') == 'share of new weights'
    names = ['health/rank', 'lr', 'base_lr', 'loss_x', 'loss', 'time', 'val/acc', 'a']
    groups = {g.title: own for g, own in group_names(names).items()}
    assert groups == {
        'Losses and schedules': ['loss', 'loss_x', 'lr'],
        'Training': ['a'],
        'Validation': ['val/acc'],
        'Health': ['health/rank'],
    }


@pytest.fixture
def runner(start, step):
    folder = start(records=[step(n, 1.0) for n in range(1, 8)])
    log_dir = str(folder / '20261127_203141')
    return SimpleNamespace(
        work_dir=str(folder), _log_dir=log_dir, logger=logging.getLogger('report')
    )


def test_a_training_writes_its_page(runner):
    ReportHook().after_train(runner)
    assert '<h1>run</h1>' in Path(runner.work_dir, 'report.html').read_text()


def test_a_run_of_a_few_lines_has_no_page(runner):
    ReportHook(min_records=7).after_train(runner)
    assert not Path(runner.work_dir, 'report.html').exists()


def test_what_goes_wrong_in_it_is_a_warning(runner, monkeypatch, caplog):
    def fail(folders):
        raise OSError('disk gone')

    monkeypatch.setattr('rsp.engine.report.render.write_report', fail)
    ReportHook().after_train(runner)
    assert 'OSError: disk gone' in caplog.text
    assert 'rsp report' in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which('chromium'), reason='no chromium here')
def test_a_page_fits_a_phone(work_dir, tmp_path):
    page = write_report([work_dir, work_dir / '..' / '<b>run'], tmp_path / 'p.html')
    frame = tmp_path / 'frame.html'
    frame.write_text(FRAME.format(page=page.as_uri()))
    command = ['chromium', '--headless=new', '--no-sandbox', '--disable-gpu']
    command += ['--allow-file-access-from-files', '--dump-dom', frame.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=50).stdout
    assert '<title>true</title>' in dom, dom[:300]


def test_curves_of_infinity_are_drawn(start, step):
    records = [step(1, 1.0), step(2, float('inf')), step(3, float('nan'))]
    folder = start(records=records)
    assert read_run(folder, 'run').curves['loss'][0] == [1, 2, 3]
    write_report([folder])

import pytest

from rsp.geo.files.acquisition_date import acquisition_date


@pytest.mark.parametrize(
    ('name', 'tags', 'expected'),
    [
        ('m_4709963_se_14_1_20140720.tif', {}, '2014-07-20'),
        ('LC08_L1TP_014032_20190302_20190309_01_T1_B4.TIF', {}, '2019-03-02'),
        ('T33TVM_20200601T100031_B02.jp2', {}, '2020-06-01'),
        ('scene_2020-06-01.tif', {}, '2020-06-01'),
        ('a.tif', {'acquisition_date': '2021-01-31T10:00:00'}, '2021-01-31'),
        ('b_20200101.tif', {'DATE_ACQUIRED': '2019-12-31'}, '2019-12-31'),
        ('a.tif', {'TIFFTAG_DATETIME': '2021:01:31 10:00:00'}, None),
        ('landsat_peru_2020.tif', {}, None),
        ('20201301.tif', {}, None),
        ('20200230.tif', {}, None),
        ('1202006015.tif', {}, None),
    ],
)
def test_a_date_is_taken_only_where_it_is_one(name, tags, expected):
    assert acquisition_date(name, tags) == expected

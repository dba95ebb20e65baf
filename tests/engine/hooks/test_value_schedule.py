import pytest

from rsp.engine.hooks import ReconstructionHook, TeacherHook, ValueScheduleHook


def test_unknown_shapes_are_refused():
    with pytest.raises(ValueError, match=r"one of 'cosine', 'linear', got 'step'"):
        ValueScheduleHook('teacher.momentum', 'step', 0.1, 0.2)


@pytest.mark.parametrize(('shape', 'points'), [('linear', None), ('cosine', 5)])
def test_points_belong_to_linear_schedules(shape, points):
    with pytest.raises(ValueError, match=r"'points' for a linear schedule and only"):
        ValueScheduleHook('teacher.momentum', shape, 0.1, 0.2, points=points)


def test_a_model_without_teacher_is_refused():
    runner = type('Runner', (), dict(model=object()))()
    with pytest.raises(ValueError, match=r'student and teacher, got object; remove'):
        TeacherHook().before_train(runner)


def test_an_interval_of_zero_is_refused():
    with pytest.raises(ValueError, match=r'interval of at least 1, got 0'):
        ReconstructionHook(interval=0)


@pytest.mark.parametrize('milestones', [(), (0,), (8, 8), (20, 8), (-1, 8)])
def test_milestones_that_do_not_rise_are_refused(milestones):
    with pytest.raises(ValueError, match=r"'milestones' of rsp.TeacherHook as rising"):
        TeacherHook(milestones)

"""Processes stop at one step, whoever heard of the signal."""

import torch

from rsp.engine.processes.agreement import Agreement


def test_a_single_process_agrees_with_itself_at_once():
    agreement = Agreement()
    assert [agreement.ask(wish) for wish in (False, True)] == [False, True]


def answers(wishes):
    """Ask so often; the other rank never wishes anything."""
    agreement = Agreement()
    rank = torch.distributed.get_rank()
    asked = []
    for wish in wishes:
        asked.append(agreement.ask(wish and rank == 1))
        if asked[-1]:
            break
    return asked


def test_all_processes_agree_one_call_later(gloo):
    wishes = [False, False, True, True, True]
    first, second = gloo(answers, wishes)
    assert first == second == [False, False, False, True]

"""Gather what an exact resume needs, and go on from it."""

from collections.abc import Mapping
from typing import Any

from mmengine.dist import all_gather_object

from rsp.engine.hooks.accumulation import passes_per_step
from rsp.engine.resume.differences import tell_differences
from rsp.engine.resume.position import move_to_position, save_batching
from rsp.engine.resume.random_state import random_state
from rsp.engine.resume.schedules import build_schedules, load_optimizer
from rsp.engine.resume.skipping import sampler_of
from rsp.engine.resume.window import window_state


def gather_state(runner: Any) -> dict[str, Any]:
    """Gather the state of all processes; every one has to call it.

    During a validation it is that before it, which all have, and none is waited for.

    Args:
        runner: While it trains.

    Returns:
        ``batching``, see `rsp.engine.resume.position.Batching`; ``random``: states of
        the global generators, one per process; ``sampler_seed``: of the items' order;
        ``window``: gradients of a step that is not done, or None.
    """
    # A validation in progress is not repeated by a resumed run.
    if runner.state_of_training is not None:
        return dict(runner.state_of_training)
    state = runner.random_state_of_training or random_state()
    sampler = sampler_of(runner.train_loop.dataloader)
    return dict(
        batching=save_batching(runner),
        random=all_gather_object(state),
        sampler_seed=getattr(sampler, 'seed', None),
        window=window_state(runner),
    )


def go_on(
    runner: Any, checkpoint: Mapping[str, Any], optimizer: bool, schedules: bool
) -> None:
    """Go on where a checkpoint was saved, its weights being loaded.

    Args:
        runner: About to train.
        checkpoint: With ``resume``, as `gather_state` returned it; without in files of
            earlier versions.
        optimizer: Whether to load the optimizer.
        schedules: Whether to load schedules, too.
    """
    state = checkpoint.get('resume') or {}
    tell_differences(runner, checkpoint['meta'].get('cfg'))
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    iterations = runner.train_loop.max_iters
    moved = move_to_position(runner, checkpoint['meta'], state)
    if runner.iter >= runner.train_loop.max_iters:
        runner.logger.warning(
            f'Nothing is left to train: the checkpoint was saved after iteration '
            f'{runner.iter}, this run ends after {runner.train_loop.max_iters}; raise '
            'train_cfg.max_epochs or max_iters to go on.'
        )
    _draw_as_before(runner, state)
    _accumulate_as_before(runner, state.get('window'), moved)
    if runner.param_schedulers is None:
        schedules = False
    else:
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
        if runner.train_loop.max_iters != iterations and runner.schedule_config:
            # They were built for epochs of another length.
            build_schedules(runner)
    if optimizer and 'optimizer' in checkpoint:
        for line in load_optimizer(runner, checkpoint, moved, schedules):
            runner.logger.warning(f'{line}.')


def _accumulate_as_before(
    runner: Any, window: Mapping[str, Any] | None, moved: bool
) -> None:
    if window is None:
        return
    done, of = window['passes']
    if moved or of != passes_per_step(runner):
        runner.logger.warning(
            f'The checkpoint was saved after {done} of {of} accumulated passes of a '
            'step, which this run makes of other ones: their gradients are left out.'
        )
        return
    runner.accumulation.window = window
    runner.logger.info(
        f'The gradients of {done} of {of} accumulated passes are restored.'
    )


def _draw_as_before(runner: Any, state: Mapping[str, Any]) -> None:
    loop = runner.train_loop
    states = state.get('random') or []
    if states and hasattr(loop, 'batches'):
        # On more processes than before some share one; none has fewer.
        loop.batches.random_state = states[runner.rank % len(states)]
    # The sampler was built with the seed of the config, which may be another.
    sampler = sampler_of(loop.dataloader)
    if state.get('sampler_seed') is not None and hasattr(sampler, 'seed'):
        sampler.seed = state['sampler_seed']

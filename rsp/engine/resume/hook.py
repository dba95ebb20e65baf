"""Put into checkpoints what an exact resume needs."""

from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from rsp.engine.resume.random_state import random_state, restore_random_state
from rsp.engine.resume.state import gather_state


class ResumeHook(Hook):
    """Save what `rsp.engine.resume.state` gathered; keep validation apart.

    A resumed run does not repeat the validation before it, which therefore must not
    move the random numbers of training. The runner registers it.
    """

    priority = 'VERY_LOW'

    def before_val(self, runner: Runner) -> None:
        """Remember the random numbers of training, and what a checkpoint needs."""
        runner.random_state_of_training = random_state()
        # Of all processes, so that a signal to one finds it here: the others may be in
        # a collective of the validation, or gone.
        if isinstance(runner._train_loop, BaseLoop):
            runner.state_of_training = gather_state(runner)

    def after_val(self, runner: Runner) -> None:
        """Put them back."""
        if runner.random_state_of_training is not None:
            restore_random_state(runner.random_state_of_training)
            runner.random_state_of_training = runner.state_of_training = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the state, on the first process."""
        checkpoint['resume'] = runner.resume_state

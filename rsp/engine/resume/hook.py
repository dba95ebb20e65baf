"""Put into checkpoints what an exact resume needs."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.resume.random_state import random_state, restore_random_state


class ResumeHook(Hook):
    """Save what `rsp.engine.resume.state` gathered; keep validation apart.

    A resumed run does not repeat the validation before it, which therefore must not
    move the random numbers of training. The runner registers it.
    """

    priority = 'VERY_LOW'

    def before_val(self, runner: Runner) -> None:
        """Remember the random numbers of training."""
        runner.random_state_of_training = random_state()

    def after_val(self, runner: Runner) -> None:
        """Put them back."""
        if runner.random_state_of_training is not None:
            restore_random_state(runner.random_state_of_training)
            runner.random_state_of_training = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the state, on the first process."""
        checkpoint['resume'] = runner.resume_state

"""Tell a mistake in a config by its key, its file and the nearest valid name."""

from rsp.engine.wrong_config.building import explain_builds
from rsp.engine.wrong_config.keys import refuse_wrong_settings
from rsp.engine.wrong_config.reading import read_config
from rsp.engine.wrong_config.running import explain_steps

__all__ = ['explain_builds', 'explain_steps', 'read_config', 'refuse_wrong_settings']

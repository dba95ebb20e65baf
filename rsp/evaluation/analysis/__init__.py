"""Look into trained backbones: each module answers one question of `rsp analyze`."""

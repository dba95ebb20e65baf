"""What a sampler has to know of the loader it belongs to."""

from typing import Any


def tell_batch_size(loader: dict[str, Any]) -> dict[str, Any]:
    """A loader's config whose ``rsp.PairedSampler`` knows the batch size.

    Only who knows which items meet in a batch can keep scenes apart in it.

    Args:
        loader: Config of a data loader; not modified.
    """
    sampler = loader.get('sampler')
    if not (isinstance(sampler, dict) and sampler.get('type') == 'rsp.PairedSampler'):
        return loader
    if loader.get('batch_size') is None:
        return loader
    return dict(loader, sampler=dict(dict(batch_size=loader['batch_size']), **sampler))

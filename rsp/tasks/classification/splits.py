"""Split images by class into training and test images, the same everywhere."""

from hashlib import sha256

from rsp.errors import UserError

Images = dict[str, list[str]]


def stratified_split(
    images: Images, train_share: float, seed: int = 0, per_class: int | None = None
) -> tuple[Images, Images]:
    """Split the images of every class into training and test images.

    Images are drawn in the order of the SHA-256 of seed and path: the result depends on
    neither library, machine nor order, and an image more or less moves no other.

    Args:
        images: Paths by class.
        train_share: Share of every class to train on, 0 to 1, rounded to whole images.
        seed: Another number draws another split.
        per_class: Number of training images of every class instead of a share.

    Returns:
        Training and test images, each in the order of ``images``.

    Raises:
        UserError: If a class would have no image on one side.
    """
    train: Images = {}
    test: Images = {}
    for name, paths in images.items():
        count = round(train_share * len(paths)) if per_class is None else per_class
        if not 0 < count < len(paths):
            raise UserError(
                f"expected images to train and to test on of class '{name}', got "
                f'{count} of its {len(paths)} for training; change the share, or the '
                'number per class.'
            )
        drawn = sorted(paths, key=lambda p: sha256(f'{seed}/{p}'.encode()).digest())
        chosen = set(drawn[:count])
        train[name] = [path for path in paths if path in chosen]
        test[name] = [path for path in paths if path not in chosen]
    return train, test


def split_lines(images: Images) -> str:
    """Return a list file for `rsp.ImageFolder`, ``<path> <class number>`` per line."""
    return ''.join(
        f'{path} {number}\n'
        for number, paths in enumerate(images.values())
        for path in paths
    )

"""List the images of a folder, a list file or a packed store, however many."""

from rsp.datasets.listing.class_folders import by_class
from rsp.datasets.listing.list_file import missing_of, read_list_file
from rsp.datasets.listing.places import ImagePlace, place_of
from rsp.datasets.listing.samples import Samples

__all__ = [
    'ImagePlace',
    'Samples',
    'by_class',
    'missing_of',
    'place_of',
    'read_list_file',
]

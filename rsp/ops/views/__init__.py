"""Draw and apply the random views of an image: on the CPU, or batches on a device.

A recipe is a list of operations. Each draws its parameters for many images from uniform
numbers, which follow from the images' seeds alone; applies them to one 8-bit image with
OpenCV; and to a batch of shares of the value range with torch. The three stand in one
file, and are held to one float64 oracle.
"""

from rsp.ops.views.color_jitter import ColorJitter
from rsp.ops.views.gaussian_blur import GaussianBlur
from rsp.ops.views.gaussian_noise import GaussianNoise
from rsp.ops.views.geometry import Geometry
from rsp.ops.views.grayscale import Grayscale
from rsp.ops.views.kernels.uniforms import seeded_uniforms
from rsp.ops.views.operation import Operation
from rsp.ops.views.recipe import ViewDraws, ViewRecipe
from rsp.ops.views.solarize import Solarize

__all__ = [
    'ColorJitter',
    'GaussianBlur',
    'GaussianNoise',
    'Geometry',
    'Grayscale',
    'Operation',
    'Solarize',
    'ViewDraws',
    'ViewRecipe',
    'seeded_uniforms',
]

"""Against batch norm over the whole batch in one process."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.testing import assert_close

from rsp.models.modules import sync_batch_norm
from rsp.models.modules.sync_batch_norm import CPUSyncBatchNorm, synchronize_batch_norm


def whole_batch(count, shape, dtype=torch.float64):
    torch.manual_seed(5)
    # Far from zero, where a mean of squares would lose all digits in float32.
    images = 3 * torch.randn(count, 4, *shape, dtype=torch.float64) + 100
    # The same numbers in each precision.
    return images.float().to(dtype)


def layer(kind=CPUSyncBatchNorm, dtype=torch.float64, **options):
    torch.manual_seed(7)
    norm = kind(4, **options).to(dtype)
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return norm


def kind_of(shape):
    return (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[max(len(shape) - 1, 0)]


def target(output):
    """A loss that no symmetry makes constant, per value of the batch."""
    places = output.shape[1:]
    return (output * torch.linspace(-1, 2, places.numel()).view(places)).sin()


def steps(norm, images, count):
    """Two steps; outputs, gradients of the input and of the layer."""
    found = []
    for number in range(2):
        batch = (images * (number + 1)).requires_grad_()
        output = norm(batch)
        norm.zero_grad()
        (target(output).sum() / count).backward()
        own = [p.grad.clone() for p in norm.parameters()]
        found.append((output.detach(), batch.grad, own))
    return found, [buffer.clone() for buffer in norm.buffers()]


def on_a_rank(shape, sizes, options, dtype=torch.float64):
    rank = torch.distributed.get_rank()
    parts = whole_batch(sum(sizes), shape, dtype).split(sizes)
    return steps(layer(dtype=dtype, **options), parts[rank], sum(sizes))


@pytest.mark.dist
@pytest.mark.parametrize(
    ('shape', 'sizes', 'options'),
    [
        ((), (3, 3), {}),
        ((6,), (5, 1), {}),
        ((5, 4), (3, 3), {}),
        ((5, 4), (0, 4), dict(momentum=None)),
        ((3, 4, 2), (4, 2), dict(affine=False, momentum=0.3)),
        ((5, 4), (3, 3), dict(track_running_stats=False)),
    ],
)
def test_it_is_batch_norm_over_all_processes(gloo, shape, sizes, options):
    """Outputs, gradients, running statistics; also of uneven and of empty batches."""
    ranks = gloo(on_a_rank, shape, sizes, options)
    norm = layer(kind_of(shape), **options)
    expected, buffers = steps(norm, whole_batch(sum(sizes), shape), sum(sizes))
    for number, (output, gradient, own) in enumerate(expected):
        found = [rank[0][number] for rank in ranks]
        assert_close(torch.cat([f[0] for f in found]), output)
        assert_close(torch.cat([f[1] for f in found]), gradient)
        for place, whole in enumerate(own):
            assert_close(sum(f[2][place] for f in found), whole)
    for rank in ranks:
        for buffer, whole in zip(rank[1], buffers, strict=True):
            assert_close(buffer, whole)


@pytest.mark.dist
def test_single_precision_keeps_its_digits(gloo):
    """Means far from zero: within rounding of double precision."""
    ranks = gloo(on_a_rank, (5, 4), (3, 3), {}, torch.float32)
    expected, _ = steps(layer(nn.BatchNorm2d), whole_batch(6, (5, 4)), 6)
    output = torch.cat([rank[0][0][0] for rank in ranks])
    assert output.dtype == torch.float32
    assert_close(output.double(), expected[0][0], atol=3e-5, rtol=0)


def on_a_rank_in_half():
    norm = layer(dtype=torch.float32)
    images = whole_batch(4, (5, 4), torch.bfloat16)
    output = norm(images.requires_grad_())
    output.float().square().sum().backward()
    return output.dtype, images.grad.dtype, norm.weight.grad.dtype


@pytest.mark.dist
def test_half_precision_goes_through(gloo):
    half, single = torch.bfloat16, torch.float32
    assert gloo(on_a_rank_in_half) == [(half, half, single)] * 2


@pytest.mark.parametrize('affine', [True, False])
def test_the_gradient_is_that_of_finite_differences(affine):
    images = whole_batch(4, (3,))[:, :2].requires_grad_()
    own = [None, None]
    if affine:
        own = [torch.randn(2, dtype=torch.float64).requires_grad_() for _ in own]

    def normalize(images, weight, bias):
        return sync_batch_norm._Normalize.apply(images, weight, bias, 1e-5)[0]

    assert torch.autograd.gradcheck(normalize, (images, *own))


def networks_gradient():
    """Of a network of two layers of batch norm, in DistributedDataParallel."""
    rank = torch.distributed.get_rank()
    model = DistributedDataParallel(synchronize_batch_norm(network(), every=True)[0])
    images = whole_batch(6, (5, 4)).split((3, 3))[rank]
    target(model(images)).mean().backward()
    return {n: p.grad for n, p in model.module.named_parameters()}


def network():
    torch.manual_seed(3)
    convolution = nn.Conv2d(4, 4, 3)
    head = nn.Conv2d(4, 2, 1)
    return nn.Sequential(
        convolution, nn.BatchNorm2d(4), nn.ReLU(), head, nn.BatchNorm2d(2)
    ).double()


@pytest.mark.dist
def test_processes_get_the_gradient_of_the_whole_batch(gloo):
    first, second = gloo(networks_gradient)
    model = network()
    target(model(whole_batch(6, (5, 4)))).mean().backward()
    for name, parameter in model.named_parameters():
        assert torch.equal(first[name], second[name])
        assert_close(first[name], parameter.grad)


def one_value():
    with pytest.raises(ValueError, match='more than 1 value per channel'):
        layer()(torch.ones(1 - torch.distributed.get_rank(), 4).double())


@pytest.mark.dist
def test_a_single_value_of_all_processes_is_refused(gloo):
    gloo(one_value)


def evaluate_on_one():
    """No other process is needed, or this would wait for it."""
    norm = layer().eval()
    if torch.distributed.get_rank():
        return None
    return norm(whole_batch(2, (5, 4)))


@pytest.mark.dist
def test_evaluation_needs_no_other_process(gloo):
    expected = layer(nn.BatchNorm2d).eval()(whole_batch(2, (5, 4)))
    assert torch.equal(gloo(evaluate_on_one)[0], expected)


def test_layers_are_replaced_with_all_that_they_hold():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 1),
        nn.SyncBatchNorm(4, eps=1e-3, momentum=0.2),
        nn.Sequential(nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4)),
    ).eval()
    nn.init.normal_(model[1].weight)
    model[1].running_mean.fill_(2)
    before = copy.deepcopy(model.state_dict())
    weight = model[1].weight
    _, replaced = synchronize_batch_norm(model)
    assert replaced == 1
    assert type(model[1]) is CPUSyncBatchNorm
    assert (model[1].eps, model[1].momentum, model[1].training) == (1e-3, 0.2, False)
    assert model[1].weight is weight
    assert type(model[2][0]) is nn.BatchNorm2d
    assert synchronize_batch_norm(model, every=True)[1] == 2
    assert type(model[2][1]) is nn.GroupNorm
    after = model.state_dict()
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name])


def test_one_process_computes_batch_norm():
    images = whole_batch(6, (5, 4))
    assert torch.equal(layer()(images), layer(nn.BatchNorm2d)(images))

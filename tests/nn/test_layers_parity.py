"""Every layer against PyTorch's: printed form, state_dict, outputs and gradients."""

from __future__ import annotations

import pytest

import pygrad
from pygrad import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

# name, arguments, keyword arguments, input shapes
LAYERS = [
    ("Linear", (4, 3), {}, [(2, 5, 4)]),
    ("Linear", (4, 3), {"bias": False}, [(4,)]),
    ("Bilinear", (2, 3, 4), {}, [(5, 2), (5, 3)]),
    ("Identity", (3,), {}, [(2, 2)]),
    ("Conv1d", (2, 4, 3), {"padding": "same", "dilation": 2}, [(2, 2, 9)]),
    ("Conv1d", (2, 4, 4), {"padding": "same", "padding_mode": "circular"}, [(2, 2, 9)]),
    ("Conv1d", (2, 4, 4), {"padding": "same"}, [(2, 2, 9)]),
    ("Conv2d", (3, 6, 3), {"padding": 1, "stride": 2, "groups": 3, "bias": False}, [(2, 3, 8, 7)]),
    ("Conv2d", (3, 4, (3, 2)), {"padding": (2, 1), "padding_mode": "reflect"}, [(2, 3, 8, 7)]),
    ("Conv2d", (3, 4, 3), {"padding": 1, "padding_mode": "replicate"}, [(3, 8, 7)]),
    ("Conv2d", (3, 4, 3), {"padding": "valid"}, [(2, 3, 8, 7)]),
    ("Conv3d", (2, 3, 2), {}, [(1, 2, 4, 4, 4)]),
    ("ConvTranspose1d", (2, 4, 3), {"stride": 2, "groups": 2}, [(2, 2, 5)]),
    ("ConvTranspose2d", (2, 3, 3), {"stride": 2, "output_padding": 1}, [(1, 2, 4, 4)]),
    ("ConvTranspose3d", (2, 3, 2), {"dilation": 2}, [(1, 2, 3, 3, 3)]),
    ("MaxPool1d", (2,), {}, [(2, 3, 8)]),
    ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}, [(2, 3, 8, 8)]),
    ("MaxPool3d", (2,), {}, [(1, 2, 4, 4, 4)]),
    ("AvgPool1d", (3, 2, 1), {"count_include_pad": False}, [(2, 3, 8)]),
    ("AvgPool2d", (2,), {"divisor_override": 3}, [(2, 3, 8, 8)]),
    ("AvgPool3d", (2,), {}, [(1, 2, 4, 4, 4)]),
    ("AdaptiveAvgPool1d", (3,), {}, [(2, 3, 8)]),
    ("AdaptiveAvgPool2d", ((3, None),), {}, [(2, 3, 8, 8)]),
    ("AdaptiveMaxPool1d", (3,), {}, [(2, 3, 8)]),
    ("AdaptiveMaxPool2d", (3,), {}, [(2, 3, 8, 8)]),
    ("AdaptiveAvgPool3d", ((2, None, 3),), {}, [(2, 3, 5, 4, 7)]),
    ("AdaptiveMaxPool3d", (2,), {}, [(2, 3, 5, 4, 7)]),
    ("LPPool1d", (2, 3), {}, [(2, 3, 8)]),
    ("LPPool2d", (2, 3), {"stride": 2}, [(2, 3, 8, 8)]),
    ("BatchNorm1d", (3,), {}, [(4, 3)]),
    ("BatchNorm2d", (3,), {"momentum": None}, [(4, 3, 5, 5)]),
    ("BatchNorm3d", (3,), {"affine": False}, [(2, 3, 2, 2, 2)]),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, [(4, 3, 5, 5)]),
    ("InstanceNorm1d", (3,), {}, [(3, 8)]),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, [(2, 3, 4, 4)]),
    ("LayerNorm", ((3, 4),), {}, [(2, 3, 4)]),
    ("LayerNorm", (4,), {"bias": False}, [(2, 3, 4)]),
    ("LayerNorm", (4,), {"elementwise_affine": False}, [(2, 3, 4)]),
    ("RMSNorm", (4,), {}, [(2, 3, 4)]),
    ("GroupNorm", (2, 4), {}, [(3, 4, 5)]),
    ("LocalResponseNorm", (2,), {}, [(2, 5, 3, 3)]),
    *[
        (name, (), {}, [(3, 4)])
        for name in (
            "ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid",
            "Tanh", "Softplus", "Softsign", "Tanhshrink", "Softshrink", "Hardshrink", "Hardtanh",
            "Hardswish", "Hardsigmoid", "LogSigmoid", "GLU", "PReLU", "Flatten",
        )
    ],  # fmt: skip
    ("GELU", ("tanh",), {}, [(3, 4)]),
    ("LeakyReLU", (0.2, True), {}, [(3, 4)]),
    ("CELU", (2.0, True), {}, [(3, 4)]),
    ("PReLU", (3,), {}, [(2, 3, 4)]),
    ("Threshold", (0.1, 20.0), {}, [(3, 4)]),
    ("Softmax", (1,), {}, [(3, 4)]),
    ("Softmin", (1,), {}, [(3, 4)]),
    ("LogSoftmax", (0,), {}, [(3, 4)]),
    ("Softmax2d", (), {}, [(2, 3, 4, 4)]),
    ("Dropout", (0.0,), {}, [(3, 4)]),
    ("Unflatten", (1, (2, 2)), {}, [(3, 4)]),
    ("Upsample", (), {"scale_factor": 2}, [(1, 2, 3, 4)]),
    ("Upsample", ((5, 7),), {"mode": "bilinear"}, [(1, 2, 3, 4)]),
    ("Upsample", (), {"scale_factor": 1.7, "mode": "bilinear"}, [(1, 2, 3, 4)]),
    ("Upsample", (), {"scale_factor": 2, "mode": "bicubic", "align_corners": True}, [(1, 2, 5, 4)]),
    ("Upsample", (), {"scale_factor": 2.5, "mode": "bicubic"}, [(1, 2, 5, 4)]),
    ("Upsample", (5,), {"mode": "linear"}, [(1, 2, 3)]),
    ("Upsample", (5,), {"mode": "trilinear"}, [(1, 2, 3, 4, 2)]),
    ("Upsample", ((2, 3),), {"mode": "area"}, [(1, 2, 5, 7)]),
    ("Upsample", (), {"scale_factor": 0.6, "mode": "nearest-exact"}, [(1, 2, 5, 7)]),
    ("UpsamplingBilinear2d", (), {"scale_factor": 2}, [(1, 2, 3, 4)]),
    ("PixelShuffle", (2,), {}, [(1, 8, 3, 3)]),
    ("PixelUnshuffle", (2,), {}, [(1, 2, 4, 6)]),
    ("ChannelShuffle", (2,), {}, [(1, 4, 3, 3)]),
    ("Unfold", ((2, 3),), {"padding": 1, "stride": 2, "dilation": (1, 2)}, [(2, 3, 7, 8)]),
    ("Fold", ((4, 5), 2), {"padding": 1}, [(2, 12, 30)]),
    ("CosineSimilarity", (), {}, [(3, 4), (3, 4)]),
    ("PairwiseDistance", (), {"p": 1.0}, [(3, 4), (3, 4)]),
    ("ConstantPad1d", ((1, 2), 3.5), {}, [(1, 2, 4)]),
    ("ZeroPad2d", (1,), {}, [(1, 2, 4, 4)]),
    ("ReflectionPad1d", (2,), {}, [(1, 2, 4)]),
    ("ReflectionPad2d", ((1, 0, 2, 1),), {}, [(1, 2, 4, 4)]),
    ("ReplicationPad3d", (1,), {}, [(1, 2, 3, 3, 3)]),
    ("CircularPad2d", (1,), {}, [(1, 2, 4, 4)]),
    ("RNN", (3, 4, 2), {"nonlinearity": "relu", "bidirectional": True}, [(5, 2, 3)]),
    ("LSTM", (3, 4, 2), {"batch_first": True, "bidirectional": True}, [(2, 5, 3)]),
    ("LSTM", (3, 4), {"proj_size": 2, "bias": False}, [(5, 3)]),
    ("GRU", (3, 4, 2), {"bidirectional": True}, [(5, 2, 3)]),
    ("RNNCell", (3, 4), {"nonlinearity": "relu"}, [(2, 3), (2, 4)]),
    ("LSTMCell", (3, 4), {}, [(2, 3)]),
    ("GRUCell", (3, 4), {"bias": False}, [(3,)]),
    ("MultiheadAttention", (8, 2), {}, [(4, 3, 8), (5, 3, 8), (5, 3, 8)]),
    ("MultiheadAttention", (8, 2), {"kdim": 3, "vdim": 5, "add_bias_kv": True,
     "add_zero_attn": True}, [(4, 3, 8), (5, 3, 3), (5, 3, 5)]),
    ("MultiheadAttention", (8, 4), {"batch_first": True}, [(3, 4, 8), (3, 5, 8), (3, 5, 8)]),
    ("TransformerEncoderLayer", (8, 2, 16, 0.0), {}, [(4, 3, 8)]),
    ("TransformerEncoderLayer", (8, 2, 16, 0.0, "gelu"), {"norm_first": True, "batch_first": True},
     [(4, 3, 8)]),
    ("TransformerDecoderLayer", (8, 2, 16, 0.0), {}, [(4, 3, 8), (5, 3, 8)]),
    ("Transformer", (8, 2, 1, 2, 16, 0.0), {}, [(4, 3, 8), (5, 3, 8)]),
]  # fmt: skip


def _tensors(value):
    if value is None:
        return []
    if isinstance(value, (tuple, list)):
        return [t for part in value for t in _tensors(part)]
    return [value]


def _ours(tensor, requires_grad=False):
    return (
        pygrad.tensor(tensor.detach().tolist(), dtype=pygrad.float32)
        .reshape(tuple(tensor.shape))
        .requires_grad_(requires_grad)
    )


def assert_close(ours, theirs, tolerance=2e-5):
    assert tuple(ours.shape) == tuple(theirs.shape)
    mine = torch.tensor(ours.detach().tolist(), dtype=torch.float64).reshape(theirs.shape)
    torch.testing.assert_close(mine, theirs.detach().double(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "shapes"),
    LAYERS,
    ids=[f"{i}-{row[0]}" for i, row in enumerate(LAYERS)],
)
def test_layer(name, args, kwargs, shapes):
    torch.manual_seed(3)
    theirs = getattr(torch.nn, name)(*args, **kwargs)
    ours = getattr(nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert [tuple(t.shape) for t in ours.state_dict().values()] == [
        tuple(t.shape) for t in state.values()
    ]
    ours.load_state_dict(
        {
            k: pygrad.tensor(v.tolist(), dtype=getattr(pygrad, str(v.dtype).split(".")[1])).reshape(
                tuple(v.shape)
            )
            for k, v in state.items()
        }
    )
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    copies = [_ours(t, True) for t in inputs]
    in_place = getattr(ours, "inplace", False)
    for training in (True, False):
        ours.train(training), theirs.train(training)
        for t in (*inputs, *copies):
            t.grad = None
        expected = _tensors(theirs(*[t * 1 if in_place else t for t in inputs]))
        got = _tensors(ours(*[t * 1 if in_place else t for t in copies]))
        assert len(got) == len(expected)
        for a, b in zip(got, expected):
            assert_close(a, b)
        weights = [torch.randn(t.shape) for t in expected]
        sum((t * w).sum() for t, w in zip(expected, weights)).backward()
        sum((t * _ours(w)).sum() for t, w in zip(got, weights)).backward()
        for a, b in zip(copies, inputs):
            if b.grad is not None:
                assert_close(a.grad, b.grad, 1e-4)
        for a, b in zip(ours.parameters(), theirs.parameters()):
            if b.grad is not None:
                assert_close(a.grad, b.grad, 1e-3)
                a.grad = b.grad = None
    for a, b in zip(ours.buffers(), theirs.buffers()):
        assert_close(a, b)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_sequences(kind, enforce_sorted):
    torch.manual_seed(0)
    lengths = [5, 3, 2] if enforce_sorted else [2, 5, 3]
    theirs = getattr(torch.nn, kind)(3, 4, 2, bidirectional=True)
    ours = getattr(nn, kind)(3, 4, 2, bidirectional=True)
    ours.load_state_dict({k: _ours(v) for k, v in theirs.state_dict().items()})
    x = torch.randn(5, 3, 3)
    h = torch.randn(4, 3, 4)
    start = (h, h * 2) if kind == "LSTM" else h
    mine = (_ours(h), _ours(h * 2)) if kind == "LSTM" else _ours(h)
    rnn, torch_rnn = nn.utils.rnn, torch.nn.utils.rnn
    packed = torch_rnn.pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
    out, last = theirs(packed, start)
    my_packed = rnn.pack_padded_sequence(_ours(x), lengths, enforce_sorted=enforce_sorted)
    my_out, my_last = ours(my_packed, mine)
    expected, sizes = torch_rnn.pad_packed_sequence(out)
    got, my_sizes = rnn.pad_packed_sequence(my_out)
    assert_close(got, expected)
    assert my_sizes.tolist() == sizes.tolist()
    for a, b in zip(_tensors(my_last), _tensors(last)):
        assert_close(a, b)


MASKS = ["none", "bool", "float", "padding", "both", "3d"]


@pytest.mark.parametrize("masks", MASKS)
def test_attention_masks(masks):
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(8, 2)
    ours = nn.MultiheadAttention(8, 2)
    ours.load_state_dict({k: _ours(v) for k, v in theirs.state_dict().items()})
    x = torch.randn(4, 3, 8)
    options, mine = {}, {}
    if masks in ("bool", "both"):
        m = torch.ones(4, 4).triu(1).bool()
        options["attn_mask"], mine["attn_mask"] = m, pygrad.tensor(m.tolist())
    if masks == "float":
        m = torch.randn(4, 4)
        options["attn_mask"], mine["attn_mask"] = m, _ours(m)
    if masks == "3d":
        m = torch.randn(6, 4, 4)
        options["attn_mask"], mine["attn_mask"] = m, _ours(m)
    if masks in ("padding", "both"):
        m = torch.tensor([[False, False, True, True]] * 3)
        options["key_padding_mask"] = m
        mine["key_padding_mask"] = pygrad.tensor(m.tolist())
    y = _ours(x)
    for average in (True, False):
        expected = theirs(x, x, x, average_attn_weights=average, **options)
        got = ours(y, y, y, average_attn_weights=average, **mine)
        for a, b in zip(got, expected):
            assert_close(a, b)


def test_embedding_layers():
    theirs = torch.nn.Embedding(6, 3, padding_idx=1, max_norm=1.0, scale_grad_by_freq=True)
    ours = nn.Embedding(6, 3, padding_idx=1, max_norm=1.0, scale_grad_by_freq=True)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: _ours(v) for k, v in theirs.state_dict().items()})
    index = [[0, 1, 2], [2, 2, 5]]
    expected = theirs(torch.tensor(index))
    got = ours(pygrad.tensor(index))
    assert_close(got, expected)
    (expected**2).sum().backward()
    (got**2).sum().backward()
    assert_close(ours.weight.grad, theirs.weight.grad)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag(mode):
    theirs = torch.nn.EmbeddingBag(6, 3, mode=mode, padding_idx=2)
    ours = nn.EmbeddingBag(6, 3, mode=mode, padding_idx=2)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: _ours(v) for k, v in theirs.state_dict().items()})
    index, offsets = [0, 1, 2, 3, 5, 2], [0, 2, 2, 4]
    assert_close(
        ours(pygrad.tensor(index), pygrad.tensor(offsets)),
        theirs(torch.tensor(index), torch.tensor(offsets)),
    )
    square = [[0, 1], [2, 3]]
    assert_close(ours(pygrad.tensor(square)), theirs(torch.tensor(square)))

import keras
import pytest

import roadseg
from roadseg.models.nus_sampler import nus_sampler
from roadseg.models.operation_counts import count_operations
from tests.support import Fixture, parity_fixtures

pytestmark = pytest.mark.usefixtures("kernels_of_zeros")

# nus.md, section 8: sampling size, output stride, notebook's count, full count.
PUBLISHED = [
    (128, 16, 161_547_264, 162_791_424),
    (160, 16, 252_371_520, 254_315_520),
    (192, 16, 363_378_944, 366_178_304),
    (224, 16, 494_569_536, 498_379_776),
    (128, 8, 523_392_000, 535_252_992),
    (160, 8, 817_753_920, 836_286_720),
    (192, 8, 1_177_529_600, 1_204_216_832),
    (224, 8, 1_602_719_040, 1_639_043_328),
]


@pytest.fixture(scope="module")
def deeplab():
    return {
        stride: roadseg.create("deeplabv3_mobilenet_v2", 19, output_stride=stride)
        for stride in (8, 16)
    }


@pytest.mark.parametrize(("size", "stride", "notebook", "full"), PUBLISHED)
def test_counts_are_the_published_ones_to_the_last_digit(deeplab, size, stride, notebook, full):
    operations = count_operations(deeplab[stride], (size, size))
    assert operations.macs_nus == notebook
    assert operations.macs == operations.macs_space_to_batch == full
    assert operations.parameters == 2_113_043


def test_auxiliary_counts_are_the_published_ones():
    operations = count_operations(nus_sampler())
    assert (operations.macs_nus, operations.macs) == (17_600_064, 18_341_376)
    assert operations.parameters == 305_770
    wide = nus_sampler((32, 32), output_stride=4, depth_multiplier=1.0)
    assert count_operations(wide).macs_nus == 124_646_464


@pytest.mark.parametrize("path", parity_fixtures("nus-deeplab*.npz"), ids=lambda path: path.stem)
def test_counts_agree_with_every_case_of_the_fixture(path):
    meta = Fixture.load(path).meta
    inputs = {o["name"].split("/")[0]: o for o in meta["outputs"]}
    for case, counts in meta["macs"].items():
        model = roadseg.create(
            "deeplabv3_mobilenet_v2",
            meta["constructor"]["num_classes"],
            output_stride=inputs[case]["output_stride"],
            depth_multiplier=meta["constructor"]["depth_multiplier"],
        )
        size = (inputs[case]["input"]["height"], inputs[case]["input"]["width"])
        operations = count_operations(model, size)
        assert operations.macs_nus == counts["notebook_macs"]
        assert operations.macs_space_to_batch == counts["true_macs"]


@pytest.mark.parametrize("path", parity_fixtures("nus-aux*.npz"), ids=lambda path: path.stem)
def test_auxiliary_counts_agree_with_the_fixture(path):
    meta = Fixture.load(path).meta
    constructor = meta["constructor"]
    model = nus_sampler(
        tuple(meta["input_shape"][2:]),
        constructor["output_stride"],
        constructor["depth_multiplier"],
    )
    operations = count_operations(model)
    assert operations.macs_nus == meta["macs"]["notebook_macs"]
    assert operations.macs_space_to_batch == meta["macs"]["true_macs"]
    assert operations.parameters == meta["parameters"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.Conv2D(8, 3, strides=2, padding="same"), 5 * 4 * 9 * 6 * 8),
        (keras.layers.Conv2D(8, 3, padding="valid"), 7 * 5 * 9 * 6 * 8),
        (keras.layers.Conv2D(8, 3, groups=2, padding="same"), 9 * 7 * 9 * 3 * 8),
        (keras.layers.Conv2D(8, 3, dilation_rate=2, padding="same"), 9 * 7 * 9 * 6 * 8),
        (keras.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), 9 * 7 * 9 * 12),
        (keras.layers.SeparableConv2D(8, 3, padding="same"), 9 * 7 * (9 * 6 + 6 * 8)),
        (keras.layers.Conv2DTranspose(8, 2, strides=2), 9 * 7 * 4 * 6 * 8),
        (keras.layers.Dense(8), 9 * 7 * 6 * 8),
        (keras.layers.BatchNormalization(), 0),
        (keras.layers.AveragePooling2D(2), 0),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_one_layer_costs_its_output_positions_times_its_kernel(layer, expected):
    model = keras.Sequential([keras.Input((None, None, 6)), layer])
    assert count_operations(model, (9, 7)).macs == expected


def test_a_dilated_depthwise_layer_is_counted_in_three_ways():
    layer = keras.layers.DepthwiseConv2D(3, dilation_rate=2, padding="same")
    operations = count_operations(keras.Sequential([keras.Input((7, 9, 5)), layer]))
    assert operations.macs == 7 * 9 * 9 * 5
    assert operations.macs_nus == 4 * 5 * 9 * 5
    assert operations.macs_space_to_batch == 8 * 10 * 9 * 5


class TwoPasses(keras.Model):
    """Runs one network at two sizes, the second unknown to the trace."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network
        self.unused = keras.layers.Conv2D(4, 3)

    def build(self, input_shape):
        self.built = True

    def call(self, images, training=False):
        full = self.network(images, training=training)
        return full, self.network(images[:, ::2, ::2], training=training)


def test_a_network_inside_another_counts_as_often_as_it_is_called():
    inner = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1)])
    operations = count_operations(TwoPasses(inner), (8, 6))
    assert operations.macs == (8 * 6 + 4 * 3) * 12
    nested = keras.Input((8, 6, 3))
    assert count_operations(keras.Model(nested, inner(nested))).macs == 8 * 6 * 12


class Pair(keras.layers.Layer):
    """Holds two convolutions, and tells its size by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = keras.layers.Conv2D(4, 1), keras.layers.Conv2D(2, 1, strides=2)

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], 4))

    def call(self, images):
        return self.second(self.first(images))

    def compute_output_shape(self, shape):
        return self.second.compute_output_shape((*shape[:-1], 4))


class Untold(keras.layers.Dense):
    """Leaves its size to be found by a trace."""

    compute_output_shape = keras.layers.Layer.compute_output_shape


@pytest.mark.parametrize("batch", [None, 1])
@pytest.mark.parametrize(
    ("layer", "expected"), [(Pair, 8 * 6 * 3 * 4 + 4 * 3 * 4 * 2), (Untold, 8 * 6 * 3 * 4)]
)
def test_layers_inside_a_layer_and_those_that_tell_no_size_count_once(batch, layer, expected):
    images = keras.Input((8, 6, 3), batch_size=batch)
    made = layer() if layer is Pair else layer(4)
    model = keras.Model(images, made(images))
    assert count_operations(model).macs == expected


def test_freezing_a_network_does_not_change_its_parameters():
    model = nus_sampler()
    model.trainable = False
    assert count_operations(model).parameters == 305_770


def test_counting_leaves_the_network_as_it_was(deeplab):
    before = {layer.name: sorted(vars(layer)) for layer in deeplab[16].layers}
    count_operations(deeplab[16], (32, 32))
    assert {layer.name: sorted(vars(layer)) for layer in deeplab[16].layers} == before


def test_a_kernel_that_is_not_understood_is_named():
    layer = keras.layers.EinsumDense("abcd,de->abce", output_shape=(None, None, 4), name="odd")
    operations = count_operations(keras.Sequential([keras.Input((4, 4, 3)), layer]))
    assert operations.uncounted == ("odd",)


def test_a_missing_or_contradicting_size_is_refused(deeplab):
    with pytest.raises(ValueError, match="size None"):
        count_operations(deeplab[16])
    with pytest.raises(ValueError, match=r"size \(32, 32\)"):
        count_operations(nus_sampler(), (32, 32))

"""Which operations of a graph may be in 8 bits."""

from roadseg.export.precision.graph import Operation, groups_of, network_operations, up_to_last

CONVOLUTIONS = ("conv",)


def chain(*names: str) -> list[Operation]:
    """Return operations, each of the one before; kinds are how the names begin."""
    found = []
    for before, name in zip(("image", *names), names, strict=False):
        found.append(Operation(name, name.rstrip("0123456789"), (before,), (name,)))
    return found


def test_all_of_a_plain_network_may_be_in_8_bits() -> None:
    operations = chain("cast", "conv1", "add1", "conv2", "resize", "argmax")
    found = network_operations(operations, {"labels": "argmax"}, CONVOLUTIONS)
    assert found == operations
    kept = [op.name for op in up_to_last(operations, CONVOLUTIONS)]
    assert kept == ["cast", "conv1", "add1", "conv2"]


def test_sampler_and_coordinates_of_a_sampled_network_stay_as_they_are() -> None:
    sampler = chain("cast", "conv1", "grid1")
    coordinates = Operation("mul1", "mul", ("grid1",), ("mul1",))
    gathered = Operation("gather1", "gather", ("mul1", "cast"), ("gather1",))
    network = [
        Operation("conv2", "conv", ("gather1",), ("conv2",)),
        Operation("add1", "add", ("conv2", "conv2"), ("add1",)),
        Operation("conv3", "conv", ("add1",), ("conv3",)),
        Operation("resize1", "resize", ("conv3",), ("resize1",)),
    ]
    back = [Operation("scatter1", "scatter", ("resize1", "mul1"), ("labels",))]
    outputs = {"labels": "labels", "locations": "grid1", "sample_logits": "resize1"}
    operations = [*sampler, coordinates, gathered, *network, *back]
    found = network_operations(operations, outputs, CONVOLUTIONS)
    assert [op.name for op in found] == ["conv2", "add1", "conv3"]


def test_groups_are_runs_of_nearly_one_length() -> None:
    assert groups_of("abcdefg", 3) == [("a", "b"), ("c", "d"), ("e", "f", "g")]
    assert groups_of("ab", 3) == [("a",), ("b",)]
    assert groups_of("", 3) == []


def test_layers_that_share_a_kernel_are_in_one_group() -> None:
    kernels = {"a": "one", "d": "one", "b": "two", "e": "two", "c": "three"}
    assert groups_of("abcdef", 2, kernels) == [("a", "d", "b", "e"), ("c", "f")]
    assert groups_of("abcdef", 9, kernels) == [("a", "d"), ("b", "e"), ("c",), ("f",)]


def test_what_makes_places_to_look_up_is_left_out_back_to_the_layers_before_it():
    operations = [
        Operation("flow", "Conv", ("image",), ("flow",)),
        Operation("more", "Conv", ("image",), ("more",)),
        Operation("sum", "Add", ("flow", "more"), ("sum",)),
        Operation("turned", "Transpose", ("sum",), ("turned",)),
        Operation("found", "GridSample", ("image", "turned"), ("found",)),
        Operation("constant", "Gather", ("found",), ("order",)),
        Operation("head", "Conv", ("order",), ("logits",)),
    ]
    lookups = ("GridSample", "Gather")
    found = network_operations(operations, {"logits": "logits"}, ("Conv",), lookups=lookups)
    assert [operation.name for operation in found] == ["flow", "more", "found", "constant", "head"]

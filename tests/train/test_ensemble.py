"""`convnet test` of several networks: the average of their probabilities, also of saved ones."""

import json
import weakref

import numpy as np
import pytest

import tests.support.reference as ref
from convnet import Net
from convnet.data import Feed, FeedOptions, open_dataset
from convnet.errors import DataError
from convnet.network.network import Network
from convnet.train.ensemble import Ensemble, Member, score_of
from convnet.train.prediction_files import FACTS, Predictions, read_predictions, write_predictions
from tests.support.command_line import good, run
from tests.support.damage import damages
from tests.support.training import LAYERS, PARAMS, SIDE


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    """Two runs of different specs, minibatches and seeds, on the same crops."""
    folder = tmp_path_factory.mktemp("nets")
    (folder / "one.cfg").write_text(LAYERS)
    (folder / "two.cfg").write_text(LAYERS.replace("outputs=24", "outputs=16"))
    (folder / "any.params").write_text(PARAMS)
    given = ["--params", folder / "any.params", "--data", "digits", "--inner-size", str(SIDE),
             "--dialect", "convnet", "--max-batches", "15", "--test-every", "100"]  # fmt: skip
    for name, minibatch in (("one", 64), ("two", 50)):
        good("train", "--layers", folder / f"{name}.cfg", *given, "--minibatch", minibatch,
             "--seed", minibatch, "--save", folder / name)  # fmt: skip
    return folder / "one", folder / "two"


def by_hand(path, count):
    """Probabilities float64 (classes, cases) of a checkpoint, averaged over its views."""
    net = Net.load(path, minibatch=100)
    feed, found = Feed(open_dataset("digits"), "test", 100, FeedOptions(side=SIDE)), []
    for index in range(feed.minibatches_per_epoch):
        views = []
        for batch in feed.views(index, count):
            net.forward(batch.matrices[0].T, batch.matrices[1].T)
            views.append(net.activities("probs").T.astype(np.float64))
        found.append(np.mean(views, axis=0))
    return np.hstack(found)


def errors(probabilities):
    labels = open_dataset("digits").labels("test", np.arange(296))
    return [n / 296 for n in ref.logreg(labels[None], probabilities, 5)]


def numbers_of(rows):
    return {row["views"]: [row["cost"], row["top1_error"], row["top5_error"]] for row in rows}


def test_probabilities_are_averaged(nets):
    facts = json.loads(
        good("test", "--load", nets[0], "--load", nets[1], "--multiview", "--json").stdout
    )
    for count in (1, 10):
        expected = [by_hand(path, count) for path in nets]
        for network, probabilities in zip(facts["networks"], expected, strict=True):
            assert numbers_of(network["tests"])[count] == pytest.approx(
                errors(probabilities), rel=1e-4
            )
        average = errors(np.mean(expected, axis=0))
        assert numbers_of(facts["average"]["tests"])[count] == pytest.approx(average, rel=1e-4)
        apart = np.abs(np.array(average) - [errors(p) for p in expected])
        assert apart[:, 0].min() > 1e-3  # the costs differ, so that the test can fail
    assert facts["average"]["networks"] == 2
    assert [n["checkpoint"] for n in facts["networks"]] == [
        str(p / "0.15.safetensors") for p in nets
    ]


def test_saved_predictions_replace_a_network(nets, tmp_path):
    good("test", "--load", nets[0], "--multiview", "--test-out", tmp_path / "p")
    both = ["--multiview", "--json", "--load", nets[1]]
    saved = json.loads(good("test", *both, "--predictions", tmp_path / "p").stdout)
    loaded = json.loads(good("test", *both, "--load", nets[0]).stdout)
    for views in (1, 10):
        mine, theirs = (numbers_of(f["average"]["tests"])[views] for f in (saved, loaded))
        assert mine == pytest.approx(theirs, rel=1e-6)
    assert saved["networks"][1]["predictions"] == str(tmp_path / "p")
    alone = json.loads(good("test", "--predictions", tmp_path / "p", "--json").stdout)
    assert numbers_of(alone["tests"]) == numbers_of(saved["networks"][1]["tests"])


def test_an_average_counts_as_many_networks_as_it_has(nets, tmp_path):
    good("test", "--load", nets[0], "--load", nets[1], "--test-out", tmp_path / "two")
    found = read_predictions(tmp_path / "two")
    one, two = (by_hand(path, 1) for path in nets)
    np.testing.assert_allclose(found.by_views[1], (one + two) / 2, atol=1e-6)
    assert found.networks == 2 and len(found.checkpoints) == 2
    result = good("test", "--predictions", tmp_path / "two", "--load", nets[1], "--json")
    facts = json.loads(result.stdout)
    expected = errors((one + 2 * two) / 3)
    assert numbers_of(facts["average"]["tests"])[1] == pytest.approx(expected, rel=1e-4)
    assert facts["average"]["networks"] == 3
    assert f"{nets[1] / '0.15.safetensors'} is in the average 2 times" in result.stderr


def test_the_table_names_the_networks(nets):
    lines = good("test", "--load", nets[0], "--load", nets[1]).stdout.splitlines()
    assert lines[1].split()[-1] == "network"
    assert [line.split()[0] for line in lines[2:]] == ["1", "1", "1"]
    assert lines[2].endswith(str(nets[0] / "0.15.safetensors"))
    assert lines[4].endswith("average of 2 networks")


def test_one_network_is_in_memory_at_a_time(nets, monkeypatch):
    alive, most = weakref.WeakSet(), []
    make = Network.__init__

    def counts(self, *arguments, **options):
        most.append(1 + len(alive))
        alive.add(self)
        make(self, *arguments, **options)

    monkeypatch.setattr(Network, "__init__", counts)
    good("test", "--load", nets[0], "--load", nets[1], "--load", nets[0])
    assert most == [1, 1, 1]


# -- what does not fit together --------------------------------------------------------------------

NAMES, LABELS = ("a", "b", "c"), np.array([0, 2, 1, 1])
EVEN = np.full((3, 4), 1 / 3)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Member("y", ("a", "b"), LABELS), "they know 3 and 2 classes"),
        (Member("y", ("a", "c", "b"), LABELS), "class 1 is 'b' in the first and 'c' in the second"),
        (
            Member("y", NAMES, LABELS[:3]),
            "they were tested on 4 and 3 cases .* give --minibatch too",
        ),
        (Member("y", NAMES, np.array([0, 2, 2, 1])), "the label of case 2 is 1 and 2"),
    ],
)
def test_members_must_agree(other, message):
    ensemble = Ensemble(2)
    ensemble.join(Member("x", NAMES, LABELS))
    with pytest.raises(DataError, match="x and y cannot be averaged: " + message):
        ensemble.join(other)


def test_views_must_agree():
    ensemble = Ensemble(2)
    for views in (1, 10):
        ensemble.join(Member("x", NAMES, LABELS))
        ensemble.add(views, EVEN)
    with pytest.raises(DataError, match="tested on 1 and 10 views"):
        ensemble.views()


def test_what_was_given_is_not_changed():
    """Weights are applied to copies; a tie of all classes counts in proportion."""
    ensemble, mine = Ensemble(2), EVEN.copy()
    ensemble.join(Member("x", NAMES, LABELS, networks=3))
    ensemble.add(1, mine)
    ensemble.add(1, mine)
    assert (mine == EVEN).all()
    score = score_of(mine, LABELS, 1, 5)
    assert (score.error, score.topk) == (pytest.approx(2 / 3), 3)


def damaged(folder, **changes):
    """Predictions with other arrays or facts."""
    write_predictions(folder, Predictions({10: EVEN, 1: EVEN}, LABELS, NAMES, ("x",), "digits"))
    with np.load(folder / "test_preds.npz") as file:
        arrays = dict(file)
    arrays.update((name, array) for name, array in changes.items() if name in arrays)
    np.savez(folder / "test_preds.npz", **arrays)
    facts = json.loads((folder / FACTS).read_text())
    (folder / FACTS).write_text(json.dumps({**facts, **changes.get("facts", {})}))
    return folder


def test_predictions_are_read_back(tmp_path):
    found = read_predictions(damaged(tmp_path))
    assert sorted(found.by_views) == [1, 10] and found.class_names == NAMES
    assert (found.labels == LABELS).all() and found.data == "digits" and found.networks == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": LABELS[:3]}, "labels.npy: expected int64 of 4, found int64 of 3"),
        ({"labels": np.ones(4)}, "labels.npy: expected int64 of 4, found float64 of 4"),
        ({"probabilities": np.full((4, 3), 0.5, np.float32)}, "do not add up to 1"),
        (
            {"probabilities": np.full((4, 3), np.nan, np.float32)},
            "a probability is not a finite number",
        ),
        ({"probabilities": np.ones((3, 4), np.float32).T}, "order, found column-major order"),
        ({"single_view": np.ones((4, 3), np.int64)}, "expected float32 of 4x3, found int64 of 4x3"),
        ({"facts": {"networks": 0}}, "networks: expected int >= 1, found 0"),
        ({"facts": {"views": -1}}, "views: expected int >= 1, found -1"),
        ({"facts": {"cases": 1 << 39}}, "expected float32 of 549755813888x3, found float32 of 4x3"),
        ({"facts": {"label_names": None}}, "label_names: expected array, found null"),
        ({"facts": {"checkpoint": [1]}}, r"checkpoint\[0\]: expected str, found 1"),
        ({"labels": LABELS + 3}, "case 0 has the label .*, but the set has 3 classes"),
    ],
)
def test_damaged_predictions_are_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        read_predictions(damaged(tmp_path, **changes))


def test_files_of_two_predictions_are_no_predictions(tmp_path):
    """A file system that fails between the renames of the two files leaves such a pair."""
    write_predictions(tmp_path, Predictions({10: EVEN, 1: EVEN}, LABELS, NAMES))
    arrays = (tmp_path / "test_preds.npz").read_bytes()
    write_predictions(
        tmp_path, Predictions({10: EVEN, 1: EVEN[:, ::-1].copy()}, LABELS[::-1], NAMES)
    )
    read_predictions(tmp_path)
    (tmp_path / "test_preds.npz").write_bytes(arrays)
    with pytest.raises(DataError, match="describes other arrays than those"):
        read_predictions(tmp_path)


def test_one_damaged_field_of_the_record(tmp_path):
    facts, refused = json.loads((damaged(tmp_path) / FACTS).read_text()), 0
    for place, changed in damages(facts):
        (tmp_path / FACTS).write_text(json.dumps(changed))
        try:
            found = read_predictions(tmp_path)
        except DataError as error:
            refused += 1
            assert str(error).startswith(str(tmp_path)) and str(error).isprintable(), place
        else:
            assert len(found.class_names) == 3 and len(found.labels) == 4, place
    assert refused > 60


def test_files_that_are_no_predictions(tmp_path):
    result = run("test", "--predictions", tmp_path)
    assert result.exit_code == 1 and "holds no predictions" in result.output
    damaged(tmp_path)
    (tmp_path / "test_preds.npz").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(DataError, match="npz: is damaged: expected arrays as numpy.savez writes"):
        read_predictions(tmp_path)
    (tmp_path / "test_preds.npz").write_bytes(b"")
    with pytest.raises(DataError, match="npz: is damaged: expected arrays as numpy.savez writes"):
        read_predictions(tmp_path)
    np.savez_compressed(tmp_path / "test_preds.npz", probabilities=EVEN, labels=LABELS)
    with pytest.raises(DataError, match="expected an uncompressed array, found a compressed one"):
        read_predictions(tmp_path)


def test_features_are_of_one_network(nets, tmp_path):
    result = run("test", "--load", nets[0], "--load", nets[1], "--write-features", "probs",
                 "--feature-path", tmp_path)  # fmt: skip
    assert result.exit_code == 2 and "one network" in result.output

"""The combinations of a sweep, and the names of its runs."""

from convnet.sweep.grid import by_key, canonical, combinations, runs


def names(values):
    return [each.name for each in combinations(values)]


def test_values_of_a_key_and_the_product_of_several():
    values = by_key([("a.x", "1"), ("b.y", "u"), ("a.X", "2"), ("b.y", "v")])
    assert values == {"a.x": ["1", "2"], "b.y": ["u", "v"]}
    assert [each.settings for each in combinations(values)] == [
        (("a.x", "1"), ("b.y", "u")),
        (("a.x", "1"), ("b.y", "v")),
        (("a.x", "2"), ("b.y", "u")),
        (("a.x", "2"), ("b.y", "v")),
    ]


def test_names_of_layers_are_case_sensitive():
    assert canonical("Fc.EpsW") == "Fc.epsw"
    assert len(by_key([("Fc.x", "1"), ("fc.x", "2")])) == 2


def test_names_of_folders():
    assert names({"fc4.epsW": ["0.001", "1e-4"]}) == ["fc4.epsW=0.001", "fc4.epsW=1e-4"]
    assert names({"a.x": ["1"], "b.y": ["0.1,0.2"]}) == ["a.x=1_b.y=0.1,0.2"]
    assert names({"a.x": ["dexp[base=1;numSteps=4]"]}) == ["a.x=dexp_base=1_numSteps=4"]
    assert names({"a.x": ["../../etc", "a b"]}) == ["a.x=.._.._etc", "a.x=a_b"]
    assert names({}) == [""]


def test_no_two_combinations_share_a_folder():
    found = names({"a.x": ["1;2", "1 2", "1/2", *(f"{'9' * 200}{n}" for n in range(3))]})
    assert found[:3] == ["a.x=1_2", "a.x=1_2-2", "a.x=1_2-3"]
    assert len(set(found)) == 6 and max(map(len, found)) < 110


def test_a_run_for_each_seed_the_first_seed_of_all_first():
    found = list(runs(combinations({"a.x": ["1", "2"]}), 2))
    assert [run.name for run in found] == [
        "a.x=1-seed0",
        "a.x=2-seed0",
        "a.x=1-seed1",
        "a.x=2-seed1",
    ]
    assert [run.name for run in runs(combinations({}), 2)] == ["seed0", "seed1"]
    assert str(found[-1]) == "a.x=2, seed 1"

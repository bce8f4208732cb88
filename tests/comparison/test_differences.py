"""What two runs differ in, fact by fact."""

from mtlkit.comparison.differences import ComparedFact, arguments_of, compare_facts


def test_arguments_go_by_their_names() -> None:
    command = "mtlkit train -o a=1 x.jsonnet --override a.b={} --tla-str preset=common --device=cpu -oc=[1] --limit 5"
    assert arguments_of([*command.split(), "-s", "here", "--resume", "--profile"]) == {
        "verb": "train",
        "experiment": "x.jsonnet",
        "-o a": "1",
        "-o a.b": "{}",
        "--tla-str preset": "common",
        "--device": "cpu",
        "-o c": "[1]",
        "--limit": "5",
    }


def test_a_fact_about_one_of_them_is_a_difference_and_when_it_ran_is_none() -> None:
    assert ComparedFact("settings", "a", {"left": None}).differs
    assert ComparedFact("settings", "a", {"left": 1, "right": 2}).differs
    assert not ComparedFact("settings", "a", {"left": None, "right": None}).differs
    assert not ComparedFact("when", "created", {"left": 1, "right": 2}).differs


def test_scores_are_compared_where_both_have_some() -> None:
    left = {"settings": {"a": 1}, "scores": {"test": 0.5}}
    assert [row.name for row in compare_facts(left, {"settings": {"b": 1}, "scores": {}})] == ["a", "b"]
    assert len(compare_facts(left, left)) == 2

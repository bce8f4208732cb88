"""Tables of text as Markdown and LaTeX."""

from mtlkit.tables import Cell, Table, latex, mark_best, markdown, markdown_lines, spread

TABLE = Table(
    "50 % of a|b", ["task", "x_y"], [[Cell("a|b_c*"), Cell("-1.50 ± 0.20", best=True)], [Cell("[d]"), Cell("")]]
)


def test_one_seed_has_no_spread() -> None:
    assert spread([0.5]) == "50.00"
    assert spread([0.5, 0.52]) == "51.00 ± 1.41"


def test_the_best_are_those_that_look_best() -> None:
    assert mark_best([0.81231, 0.81234, 0.7, None]) == [True, True, False, False]
    assert mark_best([0.8, None]) == [False, False]


def test_markdown_escapes_what_would_break_a_table() -> None:
    assert markdown([TABLE], ["a note on x_y"]).splitlines() == [
        r"**50 % of a\|b**",
        "",
        r"| task | x\_y |",
        "| --- | ---: |",
        r"| a\|b\_c\* | **-1.50 ± 0.20** |",
        "| [d] |  |",
        "",
        r"a note on x\_y",
    ]


def test_latex_escapes_names_and_uses_booktabs() -> None:
    text = latex([TABLE], ["a note"])
    assert r"\caption{50 \% of a$|$b}" in text
    assert r"a$|$b\_c* & \textbf{$-$1.50 $\pm$ 0.20} \\" in text
    assert "{[d]} &  \\\\" in text  # after a row's end, [ would begin its argument
    rules = [line for line in text.splitlines() if line.endswith("rule")]
    assert rules == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert text.startswith("% needs \\usepackage{booktabs}\n% a note\n")


def test_a_table_of_text_alone() -> None:
    table = Table.of("not shown", ["point", "dev"], [["a|b", "1.00"]])
    assert markdown_lines(table) == ["| point | dev |", "| --- | ---: |", r"| a\|b | 1.00 |"]

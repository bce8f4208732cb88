"""Mistakes in options of a command line, in sweeps, in transfers and with plugins."""

import pytest

from tests.end_to_end.remedies.world import Mistake, try_out

INITIALIZERS = 'model.initializers=[{"pattern": ".", "initializer": {"type": "uniform", "bound": 1}}]'


def line(words, *more, text=""):
    """A command line in which RUN is the directory of a run, and E an experiment."""

    def step(world):
        run = world.folder / "run"
        if "RUN" in words and not run.exists():
            world.run()
        return world.mtlkit(words.replace("RUN", "../run"), *more, text=text)

    return step


def one(words, **settings):
    """The last line of a verb's complaint about an experiment with settings changed."""

    def step(world):
        world.with_settings(**settings)
        return world.mtlkit(words)

    return step


SWEEP = "sweep E --limit 12 -s ../sweep "
FOLD = "transfer E --limit 12 -s ../folds "

MISTAKES = [
    Mistake("no such device", line("check E --data --device gpu"), "use auto, cpu, cuda", line("check E --data")),
    Mistake(
        "no GPU", line("check E --data --device cuda:99"), "--device cuda:99: ", line("check E --data --device cpu")
    ),
    Mistake(
        "a split that is none",
        line("evaluate RUN --split third"),
        "there is no split third; use train, dev, test",
        line("evaluate RUN --split dev"),
    ),
    Mistake(
        "a file without its task",
        line("evaluate RUN --file ../books.dev.tsv"),
        "--file holds one task's data; say whose with --task",
        line("evaluate RUN --file ../books.dev.tsv --task books"),
    ),
    Mistake(
        "a file and data",
        line("evaluate RUN --task books --file ../books.dev.tsv --data books=../books.dev.tsv"),
        "--file and --data both say which data are scored; give one of them",
        line("evaluate RUN --task books --file ../books.dev.tsv"),
    ),
    Mistake(
        "a folder of data that is not there",
        line("evaluate RUN --data nowhere"),
        "--data nowhere: no such folder; give a folder, or TASK=FILE",
        line("evaluate RUN --data .."),
    ),
    Mistake(
        "two files for a task",
        line("evaluate RUN --data books=../books.dev.tsv --data books=../books.test.tsv"),
        "a second file for 'books'; give one",
        line("evaluate RUN --data books=../books.dev.tsv"),
    ),
    Mistake(
        "a task that the archive lacks",
        line("evaluate RUN --task plays"),
        "no task 'plays' in the archive; its tasks are books, films",
        line("evaluate RUN --task films"),
    ),
    Mistake(
        "answers over the run's own",
        line("evaluate RUN --task books --file ../books.dev.tsv --predictions ../run/predictions"),
        "keeps the run's answers to its own data; give another folder",
        line("evaluate RUN --task books --file ../books.dev.tsv --predictions ../answers"),
    ),
    Mistake(
        "a file as the folder of answers",
        line("evaluate RUN --predictions ../experiment.json"),
        "--predictions ../experiment.json: cannot be written to; give a folder of yours",
        line("evaluate RUN --predictions ../answers"),
    ),
    Mistake(
        "something else as an archive",
        line("evaluate ../experiment.json"),
        "or give the archive.tar.gz of a run if this is something else",
        line("evaluate RUN/archive.tar.gz"),
    ),
    Mistake(
        "a variable of a file that reads none",
        line("check E --var seed=1"),
        "experiment.json: reads no variable 'seed'; leave it out",
        line("check E"),
    ),
    Mistake(
        "an output without its folder",
        line("evaluate RUN --output nowhere/figures.json"),
        "nowhere; make it first",
        line("evaluate RUN --output figures.json"),
    ),
    Mistake(
        "no text to explain",
        line("explain RUN --task books"),
        "there is no text; give at least one, in quotes, after the archive",
        line("explain RUN --task books 'a fine film'"),
    ),
    Mistake(
        "no task to explain",
        line("explain RUN 'a fine film'"),
        "--task is not given; the archive's tasks are books, films",
        line("explain RUN --task films 'a fine film'"),
    ),
    Mistake(
        "inputs that are not there",
        line("predict RUN nowhere.txt"),
        "nowhere.txt: no such file; check the path",
        line("predict RUN -", text="a fine film\n"),
    ),
    Mistake(
        "a split that runs do not keep",
        line("compare RUN --split train"),
        "--split train: runs keep no figures of such a split; use dev or test",
        line("compare RUN --split dev"),
    ),
    Mistake(
        "clean figures by themselves",
        line("compare RUN --metric clean_accuracy"),
        "clean figures stand beside the others; give --metric accuracy",
        line("compare RUN --metric accuracy"),
    ),
    Mistake(
        "a kind of component that is misspelt",
        line("components encodr"),
        "no kind of component 'encodr'; did you mean 'encoder'?",
        line("components encoder"),
    ),
    Mistake(
        "a report that is no page",
        line("report RUN -o r.pdf --limit 2"),
        "--output r.pdf: the report is a page of HTML; give a name that ends in .html",
        line("report RUN -o r.html --limit 2"),
    ),
    Mistake(
        "an argument of a file without any",
        line(SWEEP + "--grid dropout=0.1,0.2"),
        "--grid dropout: the file takes no arguments; give a setting, such as --grid model.dropout",
        line(SWEEP + "--grid model.dropout=0.1,0.2 --dry-run"),
    ),
    Mistake(
        "a value that is missing",
        line(SWEEP + "--grid model.dropout=0.1,,0.2"),
        "a value is missing; write --grid model.dropout=V1,V2",
        line(SWEEP + "--grid model.dropout=0.1,0.2 --dry-run"),
    ),
    Mistake(
        "varied and given",
        line(SWEEP + "--grid model.dropout=0.1,0.2 -o model.dropout=0 --dry-run"),
        "model.dropout is varied, and --tla, --tla-str or -o gives it one value; leave one of them out",
        line(SWEEP + "--grid model.dropout=0.1,0.2 --dry-run"),
    ),
    Mistake(
        "varied twice",
        line(SWEEP + "--grid model.dropout=0.1 --grid model.dropout=0.2 --dry-run"),
        "model.dropout is varied twice; give all its values in one --grid",
        line(SWEEP + "--grid model.dropout=0.1,0.2 --dry-run"),
    ),
    Mistake(
        "seeds that are no numbers",
        line(SWEEP + "--seeds a --dry-run"),
        "--seeds a: give their number, as in --seeds 3, or the seeds, as in --seeds 13,14,15",
        line(SWEEP + "--seeds 13,14,15 --dry-run"),
    ),
    Mistake(
        "a sweep without dev data",
        line(SWEEP + "--dry-run -o tasks.books.dev=null -o tasks.films.dev=null"),
        "no task has dev data to choose a point by; set a task's dev",
        line(SWEEP + "--dry-run -o tasks.books.dev=null"),
    ),
    Mistake(
        "a sweep in another's folder",
        lambda w: [w.file("sweep/chapter", ""), w.mtlkit(SWEEP)][1],
        "sweep: exists and is not a sweep; give another directory with -s",
        line(SWEEP.replace("../sweep", "../another") + "--dry-run"),
    ),
    Mistake(
        "a seed twice",
        line(SWEEP + "--seeds 13,13 --dry-run"),
        "--seeds 13,13: a seed is given twice; give each once",
        line(SWEEP + "--seeds 13,14 --dry-run"),
    ),
    Mistake(
        "a value twice",
        line(SWEEP + "--grid model.dropout=0.1,0.10 --dry-run"),
        "0.1 is given twice; give each value once",
        line(SWEEP + "--grid model.dropout=0.1,0.2 --dry-run"),
    ),
    Mistake(
        "values that differ in case",
        line(SWEEP + "--grid tasks.books.reader.type=vader,Vader --dry-run"),
        "differ only in upper and lower case, and folders are named after them; give one of them to another sweep",
        line(SWEEP + "--grid tasks.books.reader.type=text_classification --dry-run"),
    ),
    Mistake(
        "a folder of components that is not there",
        line("check E --include-package nowhere.py"),
        "--include-package nowhere.py: cannot be imported: no such file; check the path",
        line("check E"),
    ),
    Mistake(
        "no task to leave out",
        line(FOLD),
        "--leave-out: is missing; give a task, or all",
        line(FOLD + "--leave-out books"),
    ),
    Mistake(
        "a task that is misspelt",
        line(FOLD + "--leave-out book"),
        "--leave-out book: no task is named so; did you mean 'books'?",
        line(FOLD + "--leave-out books"),
    ),
    Mistake(
        "two tasks to leave out",
        line(FOLD + "--leave-out books --leave-out films"),
        "--leave-out films: is a second one; give one task, or all",
        line(FOLD + "--leave-out books"),
    ),
    Mistake(
        "processes for one fold",
        line(FOLD + "--leave-out books --processes 2"),
        "--processes is about several folds, and this is one; give --leave-out all, or leave it out",
        line(FOLD + "--leave-out books"),
    ),
    Mistake(
        "word vectors that nobody shares",
        one(FOLD + "--leave-out books --embeddings copy", model__share_embedder=False),
        "set model.share_embedder, or take fresh ones",
        one(FOLD + "--leave-out books --embeddings fresh", model__share_embedder=False),
    ),
    Mistake(
        "a baseline that is not there",
        line(FOLD + "--leave-out books --baseline nowhere"),
        "--baseline nowhere: is not there; give the directory of a finished run, or a file of figures",
        line(FOLD + "--leave-out books --baseline RUN"),
        "--baseline ../run: was run without --limit, so its figures do not compare; give a run on as many texts",
    ),
    Mistake(
        "folds in a run",
        line(FOLD.replace("../folds", "RUN") + "--leave-out books"),
        "is itself a run; give a directory for the runs of folds",
        line(FOLD + "--leave-out books"),
    ),
    Mistake(
        "corpora that are not known",
        line("data fetch vedar"),
        "data fetch vedar: there are no such corpora; known: vader",
        line("data fetch vader --from nowhere.tar.gz"),
        "nowhere.tar.gz",
    ),
    Mistake(
        "no test split",
        lambda w: [
            w.mtlkit("train E --limit 8 -s ../run -o tasks.books.test=null -o tasks.films.test=null"),
            w.mtlkit("evaluate ../run"),
        ][1],
        "no test split for books, films; give other data with --task NAME --file FILE",
        line("evaluate ../run --task books --file ../books.test.tsv"),
    ),
    Mistake(
        "answers of fewer texts over the run's own",
        line("evaluate RUN --limit 3 --predictions ../run/predictions"),
        "keeps answers to as many texts as the run had; leave --limit out",
        line("evaluate RUN --predictions ../run/predictions"),
    ),
    Mistake(
        "an initialiser that is misspelt",
        line("check E -o", INITIALIZERS.replace("uniform", "unifrm")),
        "no Initializer 'unifrm'; did you mean 'uniform'?",
        line("check E -o", INITIALIZERS),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_said_of_an_option_helps(mistake, world):
    try_out(mistake, world)


def test_the_command_of_the_best_point_trains_it(world):
    """What a sweep prints is the command as one would type it, with the options of the user and of the point."""
    found = line(SWEEP + "--grid model.dropout=0.1 -o trainer.optimizer.lr=0.02")(world)
    (command,) = [each for each in found.stdout.splitlines() if each.startswith("mtlkit train")]
    assert "--override" not in command and command.count(" -o ") == 2
    trained = world.mtlkit(command.removeprefix("mtlkit "), "-s", world.folder / "best")
    assert trained.returncode == 0, trained.stderr
    settings = world.parsed((world.folder / "best" / "experiment.resolved.json").read_text())
    assert settings["model"]["dropout"] == 0.1 and settings["trainer"]["optimizer"]["lr"] == 0.02

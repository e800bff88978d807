"""Functions that spaCy and thinc call by a registered name while a pipeline is loaded."""

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.texts import registries
from detect.model_files.files.building import judged
from pace import Stopwatch

PIPELINE = """[nlp]
lang = "en"
pipeline = ["tok2vec","ner"]
after_creation = null
tokenizer = {"@tokenizers":"spacy.Tokenizer.v1"}

[components.ner]
factory = "ner"
scorer = {"@scorers":"spacy.ner_scorer.v1"}

[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
tok2vec = {"@architectures": "spacy-transformers.TransformerListener.v1", "pooling": {"@layers":"reduce_mean.v1"}}

[components.spans]
factory = "spancat"
suggester = {"@misc":"spacy.ngram_suggester.v1","sizes":[1,2]}

[training.logger]
@loggers = "spacy.ConsoleLogger.v1"
output_file = null

[training.optimizer]
@optimizers = "Adam.v1"

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"

[corpora.train]
@readers = "spacy.Corpus.v1"
path = ${paths.train}

[initialize.lookups]
@misc = "spacy.LookupsDataLoader.v1"
"""
CALLS = {
    "a function of somebody's": ('@readers = "spacy.Corpus.v1"', '@readers = "made.v1"', "has spaCy call made.v1"),
    "under a heading far to the right": (
        "[training.logger]\n",
        "[training.logger]\n" + " " * 50 + "[nlp.after_creation]\n",
        "has spaCy make a logger",
    ),
    "behind a name with a blank": ("spacy.ner_scorer.v1", "spacy.ner_scorer.v1 ", "registered by nobody known"),
    "many lines below": (
        '@misc = "spacy',
        "@misc =" + "\n" * 60 + ' "made',
        "has spaCy call made.LookupsDataLoader.v1",
    ),
    "in a dictionary": ("spacy.ner_scorer.v1", "spacing.ner_scorer.v1", "registered by nobody known"),
    "on the next line": ('@misc = "spacy', '@misc =\n  "made', "has spaCy call made.LookupsDataLoader.v1"),
    "behind a colon": ('@optimizers = "Adam.v1"', '@optimizers : "adam.v1"', "has spaCy call adam.v1"),
    "by what is computed": ('@optimizers = "Adam.v1"', "@optimizers = ${a.b}", "registered by nobody known"),
    "with an escape": ("reduce_mean.v1", "m\\u0061de.v1", "registered by nobody known"),
    "of a kind of somebody's": ('@misc = "spacy.Look', '@llm_models = "spicy.Look', "registered by nobody known"),
    "a callback": ("null", '{"@callbacks":"spacy.copy_from_base_model.v1"}', "spacy.copy_from_base_model.v1"),
    "a logger in another place": ("null", '{"@loggers":"spacy.ConsoleLogger.v3"}', "has spaCy make a logger"),
    "a logger of somebody's": ("spacy.ConsoleLogger", "made.Logger", "has spaCy make a logger"),
    "a log": ("output_file = null", 'output_file = "/tmp/x"', "has spaCy write a log to a file"),
    "a log in a dictionary": ("null", '{"@loggers":"x","output_file":"/tmp/x"}', "has spaCy write a log to a file"),
    "a component": ('factory = "spancat"', 'factory = "made"', "a component of somebody else's: made"),
}


def test_a_pipeline_of_what_spacy_and_thinc_register_is_clean() -> None:
    assert judged(PIPELINE.encode()).reason == ""


@pytest.mark.parametrize("name", CALLS)
def test_what_else_is_called_while_a_pipeline_is_loaded_makes_it_unknown(name: str) -> None:
    """A logger opened the file that it was given: spaCy calls whatever stands at `after_creation`."""
    before, after, reason = CALLS[name]
    assert before in PIPELINE
    judgement = judged(PIPELINE.replace(before, after, 1).encode())
    assert judgement.verdict is Verdict.UNKNOWN
    assert reason in judgement.reason


def test_signs_before_words_in_other_texts_are_no_registered_names() -> None:
    for text in ('@app.route("/x")\ndef f(): ...\n', '{"@type": "Dataset"}', "mail: a@b = c\n[x]\nfactory = made\n"):
        assert registries.in_text(text) == []


def test_many_entries_take_no_longer_than_they_are() -> None:
    with Stopwatch() as watch:
        found = registries.in_text("[a]\n" + '@misc = "made.v1"\n' * 20_000 + "@" * 200_000 + "[" * 200_000)
        assert len(found) == 1
    assert watch.seconds < 2

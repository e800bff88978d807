"""What libraries beside scikit-learn write, under the names that their older versions give to the same classes."""

import pickle

import pyarrow
import pytest

from detect.model_files.pickles.reading import read

MADE = [
    "catboost.core CatBoostClassifier", "category_encoders.glmm GLMMEncoder",
    "category_encoders.quantile_encoder SummaryEncoder", "category_encoders.target_encoder TargetEncoder",
    "gensim.corpora.dictionary Dictionary", "gensim.models.keyedvectors KeyedVectors",
    "gensim.models.phrases FrozenPhrases", "gensim.models.word2vec Word2Vec", "hmmlearn.hmm GaussianHMM",
    "nltk.classify.naivebayes NaiveBayesClassifier", "nltk.tag.sequential UnigramTagger",
    "nltk.tokenize.punkt PunktSentenceTokenizer", "numpy.core.records recarray",
    "networkx.classes.digraph DiGraph", "numpy.matrixlib.defmatrix matrix",
    "pandas.core.arrays.categorical Categorical", "pandas.core.arrays.floating Float64Dtype",
    "pandas.core.arrays.integer IntegerArray",
    "pandas.core.arrays.sparse.array SparseArray", "pandas.core.dtypes.dtypes CategoricalDtype",
    "pandas.core.dtypes.dtypes DatetimeTZDtype", "sklearn.compose._column_transformer _RemainderColsList",
    "sklearn2pmml.decoration ContinuousDomain", "sklearn2pmml.pipeline PMMLPipeline",
    "scipy.optimize._lbfgsb_py LbfgsInvHessProduct", "scipy.optimize._optimize OptimizeResult",
    "sklearn.compose._column_transformer make_column_selector", "statsmodels.base.data ModelData",
    "statsmodels.discrete.discrete_model LogitResults", "statsmodels.genmod.families.links Logit",
    "statsmodels.regression.linear_model OLS", "statsmodels.regression.linear_model RegressionResultsWrapper",
    "statsmodels.robust.norms HuberT", "torch.optim.swa_utils AveragedModel",
]  # fmt: skip
OPEN = {
    "statsmodels.tsa.arima.model ARIMA": "evaluates the formula",
    "statsmodels.discrete.discrete_model NegativeBinomial": "its state may have set",
    "torch.utils.data.dataset Subset": "a set of data and no model",
    "torch.utils.data.dataset TensorDataset": "a set of data and no model",
    "sklearn_pandas.dataframe_mapper DataFrameMapper": "calls what its state names",
    "sklearn2pmml.preprocessing ExpressionTransformer": "evaluates a text",
}


def made(home: str, state: bytes = b"}") -> bytes:
    module, name = home.split()
    return f"\x80\x02c{module}\n{name}\n".encode("latin-1") + b")\x81" + state + b"b."


@pytest.mark.parametrize("home", MADE)
def test_an_object_with_its_attributes_is_clean(home: str) -> None:
    assert read(made(home)).is_clean


@pytest.mark.parametrize("home", MADE)
def test_and_is_not_with_what_runs_code_in_its_state(home: str) -> None:
    assert read(made(home, b"}X\x01\x00\x00\x00acos\nsystem\nX\x02\x00\x00\x00id\x85Rs")).unsafe
    assert read(made(home, b"}X\x09\x00\x00\x00__class__K\x01s")).unsafe


def test_the_cache_that_networkx_keeps_in_a_graph_means_nothing_to_python() -> None:
    assert read(made("networkx.classes.graph Graph", b"}X\x12\x00\x00\x00__networkx_cache__}s")).is_clean
    assert read(made("networkx.classes.graph Graph", b"}X\x0c\x00\x00\x00__setstate__}s")).unsafe


@pytest.mark.parametrize("home", OPEN)
def test_what_evaluates_its_own_contents_is_open_and_says_why(home: str) -> None:
    reading = read(made(home))
    assert not reading.unsafe
    assert not reading.is_clean
    assert any(OPEN[home] in doubt for doubt in reading.ledger.doubts)


def test_a_bit_generator_of_numpy_is_found_by_its_name_as_older_versions_write_it() -> None:
    text = "\x80\x02cnumpy.random._pickle\n__bit_generator_ctor\nX{}{}\x85R}}b."
    for name, clean in (("SFC64", True), ("PCG64", True), ("Elsewhere", False)):
        size = len(name).to_bytes(4, "little").decode("latin-1")
        assert read(text.format(size, name).encode("latin-1")).is_clean == clean


def test_zones_of_pytz_are_made_by_its_own_functions() -> None:
    assert read(b"\x80\x02cpytz\n_p\nX\x0d\x00\x00\x00Europe/BerlinM\x10\x0eK\x00X\x03\x00\x00\x00CETtR.").error
    zone = b"\x80\x02cpytz\n_p\n(X\x0d\x00\x00\x00Europe/BerlinM\x10\x0eK\x00X\x03\x00\x00\x00CETtR."
    assert read(zone).is_clean
    assert read(b"\x80\x02cpytz\ntimezone\nX\x03\x00\x00\x00UTC\x85R.").unsafe


@pytest.mark.parametrize("name", ["FreqDist", "ConditionalFreqDist"])
def test_counts_of_nltk_are_made_by_their_constructor(name: str) -> None:
    counted = b"cnltk.probability\n%s\n}U\x01aK\x02s\x85R" % name.encode()
    assert read(b"\x80\x02" + counted + b".").is_clean
    assert read(b"\x80\x02" + counted + b"U\x01bK\x01s.").is_clean
    handed = b"cnltk.probability\n%s\n(ctorch.storage\n_load_from_bytes\ntR." % name.encode()
    assert read(b"\x80\x02" + handed).unsafe


@pytest.mark.parametrize(
    "name", ["Senna", "MaxentClassifierTrainer", "HunposTagger", "StanfordTagger", "PathLineSentences", "RpModel"]
)
def test_what_runs_programs_or_keeps_its_state_as_it_is_is_not_listed(name: str) -> None:
    made = f"cnltk.tag.senna\n{name}\n".encode() + b")\x81}b."
    assert not read(b"\x80\x02" + made).is_clean
    assert not read(b"\x80\x02" + made.replace(b"nltk.tag.senna", b"gensim.models.rpmodel")).is_clean


@pytest.mark.parametrize("home", ["numpy.core.records", "numpy._core.records", "numpy"])
def test_records_name_their_class_instead_of_a_size(home: str) -> None:
    fields = b"}(U\x01acnumpy\ndtype\n(U\x02f8I0\nI1\ntR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbK\0\x86u"
    made = b"cnumpy\ndtype\n(c%s\nrecord\nI0\nI1\ntR(K\x03U\x01|N(U\x01at%sK\x08K\x01K\0tb."
    assert read(b"\x80\x02" + made % (home.encode(), fields)).is_clean
    assert not read(b"\x80\x02" + made.replace(b"K\x08", b"K\x04") % (home.encode(), fields)).is_clean


KEYED = b"cgensim.models.keyedvectors\nKeyedVectors\n"
COUNTS = b"cnltk.probability\nFreqDist\n"


@pytest.mark.parametrize(
    "made",
    [
        KEYED + b")\x81N}U\x0cvectors_normK\x01s\x86b",
        KEYED + b")\x81}U\x06appendcos\nsystem\nsbU\x02ida",
        KEYED + b")\x81}U\x0c__setstate__cbuiltins\nprint\nsbK\x01b",
        COUNTS + KEYED + b")\x81}U\x05itemscnltk.probability\nFreqDist\nsb\x85R",
        b"cnltk.probability\nConditionalFreqDist\n)RN}U\x0fdefault_factorycbuiltins\nprint\ns\x86b",
        b"cbuiltins\nhash\nK\x01\x85R",
        b"cgensim.utils\nidentity\nK\x01\x85R",
        b"cgensim.models.phrases\noriginal_scorer\n(K\x01K\x01K\x01K\x01K\x01K\x01tR",
        b"cnumpy.core._internal\n_reconstruct\n(cos\nPathLike\nK\x00\x85U\x01btR",
        b"cnumpy.core.records\nrecarray\n(K\x01\x85tU\x02O8\x86\x81",
    ],
)
def test_what_is_listed_is_no_way_to_what_is_not(made: bytes) -> None:
    assert not read(b"\x80\x02" + made + b".").is_clean


def test_tables_of_arrow_are_made_by_its_own_functions_of_data() -> None:
    table = pyarrow.table({"a": [1, None], "s": ["x", "y"]})
    for protocol in (2, 4, 5):
        assert read(pickle.dumps(table, protocol)).is_clean
        assert read(pickle.dumps(table.schema, protocol)).is_clean
    made = b"\x80\x02cpyarrow.lib\nchunked_array\n(lctorch.storage\n_load_from_bytes\na\x85R."
    assert read(made).unsafe
    assert read(b"\x80\x02cpyarrow.lib\nopen_file\nU\x01x\x85R.").unsafe


def test_texts_of_spacy_are_made_by_its_constructor() -> None:
    made = b"\x80\x02cspacy.strings\nStringStore\n%sR."
    assert read(made % b"](U\x01aU\x01be\x85").is_clean
    assert read(made % b"cos\nsystem\n\x85").ledger.unsafe
    assert not read(made % b"cfleet.made\nNet\n)\x81}U\x01aK\x01sb\x85").is_clean


@pytest.mark.parametrize(
    "home",
    [
        "rank_bm25.BM25Okapi",
        "minisom.MiniSom",
        "kmodes.kmodes.KModes",
        "sksurv.ensemble.forest.RandomSurvivalForest",
        "sklearn.metrics._scorer._PredictScorer",
        "sklearn.neighbors.dist_metrics.HaversineDistance",
    ],
)
def test_plain_classes_of_libraries_are_created_and_filled_and_never_called(home: str) -> None:
    module, _, name = home.rpartition(".")
    assert read(made(f"{module} {name}")).is_clean
    assert read(f"c{module}\n{name}\n(S'id'\ntR.".encode()).unsafe
    assert read(made(f"{module} {name}", b"}U\x0c__setstate__K\x01s")).unsafe

"""Functions of R that the calls in a model may name, and that do nothing but compute with their arguments.

A model keeps the call that made it and the formula that says what is computed of each column; `predict` carries the
second out, `update` both. None of these takes a function, a text or a call that it would carry out itself.
"""

import re
from typing import Final

HOME: Final = frozenset({"::", ":::"})
HOMES: Final = frozenset({
    "C50", "Cubist", "MASS", "base", "class", "datasets", "e1071", "earth", "gbm", "glmnet", "grDevices", "graphics",
    "kernlab", "lightgbm", "methods", "mgcv", "nlme", "nnet", "pls", "randomForest", "ranger", "rpart", "splines",
    "stats", "stats4", "survival", "tools", "utils", "xgboost",
})  # fmt: skip
"""Packages of R itself and well-known ones of models, which do nothing but define when R loads them."""
_FORMULA: Final = frozenset({
    "~", "+", "-", "*", "/", "^", ":", "%in%", "|", "(", "%%", "%/%", "%*%", "!", "&", "&&", "||", "<", "<=", "==",
    "!=", ">=", ">", "$", "[", "[[", "abs", "acos", "as.character", "as.factor", "as.integer", "as.logical",
    "as.numeric", "as.ordered", "asin", "atan", "bs", "cbind", "ceiling", "cos", "cut", "exp", "factor", "floor", "I",
    "ifelse", "interaction", "is.na", "log", "log10", "log1p", "log2", "matrix", "max", "mean", "min", "nchar", "ns",
    "offset", "ordered", "pmax", "pmin", "poly", "rank", "relevel", "round", "scale", "sign", "sin", "sqrt",
    "strata", "Surv", "tan", "tolower", "toupper", "trunc",
})  # fmt: skip
_CALL: Final = frozenset({
    "Gamma", "as.data.frame", "as.matrix", "binomial", "c", "ctree_control", "data.frame", "data.matrix", "dim",
    "gaussian", "gbm.control", "glm.control", "glm.fit", "inverse.gaussian", "length", "list", "lm.fit", "na.omit",
    "names", "ncol", "nls.control", "nrow", "poisson", "quasibinomial", "quasipoisson", "rep", "rpart.control",
    "sample", "seq", "seq_len", "structure", "subset", "sum", "which",
})  # fmt: skip
_FIT: Final = frozenset({
    "C5.0", "C5.0.default", "C5.0.formula", "ada", "adabag", "aov", "bagging", "boosting", "clara", "coxph", "cubist",
    "cubist.default", "cv.glmnet", "earth", "elnet", "fishnet", "gam", "gbm", "gbm.fit", "glm", "glm.nb", "glmnet",
    "hurdle", "iForest", "isolationForest", "kmeans", "knn3", "ksvm", "lda", "lm", "lmer", "loess", "lognet",
    "lrm", "multinom", "multnet", "mvr", "naiveBayes", "naiveBayes.default", "nls", "nnet", "nnet.default",
    "nnet.formula", "pam", "plsr", "pcr", "polr", "ppr", "prcomp", "prcomp.default", "princomp", "qda",
    "randomForest", "randomForest.default", "randomForest.formula", "ranger", "regsubsets", "rlm", "rpart",
    "smooth.spline", "survreg", "svm", "svm.default", "svm.formula", "xgb.train", "xgboost", "zeroinfl",
})  # fmt: skip
QUIET: Final = _FORMULA | _CALL | _FIT | HOME
"""What a call may name."""
HARMFUL: Final = frozenset({
    "download.file", "dyn.load", "pipe", "shell", "shell.exec", "source", "sys.source", "system", "system2",
    ".Internal", ".External", ".External2",
})  # fmt: skip
"""What starts a program, runs a file or reaches the network; no model calls it."""
LOUD_CLASSES: Final = frozenset({
    "bibentry", "browseVignettes", "citation", "delayedgrob", "help_files_with_topic", "hsearch", "libraryIQR",
    "packageIQR", "recordedplot", "srcfile", "srcfilealias", "srcref", "trellis", "vignette",
})  # fmt: skip
"""Classes of R's own packages whose methods run a text, open a place that is written in them, or start a viewer."""
_LOUD: Final = HARMFUL | {
    "Filter",
    "Map",
    "Reduce",
    "Sys.chmod",
    "Sys.setenv",
    "attach",
    "browseURL",
    "cat",
    "do.call",
    "dput",
    "dump",
    "dyn.unload",
    "eval",
    "evalq",
    "file",
    "file.append",
    "file.copy",
    "file.create",
    "file.edit",
    "file.remove",
    "file.rename",
    "file.show",
    "file.symlink",
    "get",
    "install.packages",
    "library",
    "load",
    "match.fun",
    "parse",
    "q",
    "quit",
    "readRDS",
    "require",
    "requireNamespace",
    "save",
    "save.image",
    "saveRDS",
    "setwd",
    "sink",
    "socketConnection",
    "str2expression",
    "str2lang",
    "unlink",
    "url",
    "url.show",
    "write",
    "write.csv",
    "write.table",
    "writeLines",
}
"""What is none of a model's arguments, whether a call names it or a text does that R looks up."""
CONTRASTS: Final = "contrasts"
_CONTRAST: Final = re.compile(r"contr\.\w{1,40}")
"""Functions that contrasts are made by; packages of models bring some more."""
PLAIN_CODECS: Final = re.compile(
    r"(?:|utf-?8|(?:us-)?ascii|ansi_x3\.4-1968|latin-?[19]|iso[-_]?8859-?\d{1,2}|cp125\d|windows-125\d)", re.IGNORECASE
)
"""Codecs in which every ASCII letter is itself."""
_CALLED: Final = re.compile(r"([^\s\w.(\[{,;~+\-*/^<>=!&|:%?$@]|(?<![\w.])[\w.]+)\s*\(")
"""What stands before a bracket that calls it."""
_LATE: Final = re.compile(r"\n[^\S\n]*\(")
"""A bracket that begins a line: behind a comment it may call what stands before that."""
_COMMENT: Final = "#"
_FREE: Final = frozenset(".0123456789")


def foreign(text: str) -> str | None:
    """Return what a text would call that is not known, did R read it as a term of a formula; None if nothing."""
    if _COMMENT in text and _LATE.search(text) is not None:
        return _COMMENT
    return next((name for name in _CALLED.findall(text) if name not in QUIET and not _FREE.issuperset(name)), None)


def is_loud(name: str) -> bool:
    """Return whether a text in a call is the name of what no model calls, or of a class that is not quiet."""
    return name.rpartition(":")[2] in _LOUD | LOUD_CLASSES


def makes_contrasts(name: str) -> bool:
    """Return whether this is the name of a function of contrasts: R calls by name what stands there."""
    return _CONTRAST.fullmatch(name) is not None

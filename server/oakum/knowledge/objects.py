"""Which calls of other libraries than the frameworks make objects that rules ask about, and what these objects hold.

Facts from the libraries' documentation: Python 3.13, scikit-learn 1.9, joblib 1.6, scikeras 0.13.
"""

from __future__ import annotations

# Packages whose classes are known by name: a call of one makes an object of it.
PACKAGES = ("sklearn.", "scikeras.", "skopt.", "joblib.", "multiprocessing.", "concurrent.futures.")
# Functions of these packages that make an object and aren't spelled as a class.
MAKERS = {
    "sklearn.pipeline.make_pipeline",
    "sklearn.pipeline.make_union",
    "sklearn.compose.make_column_transformer",
}
# Objects that `with` gives as they are.
ENTERED = {
    "multiprocessing.Pool",
    "multiprocessing.pool.Pool",
    "multiprocessing.pool.ThreadPool",
    "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.ThreadPoolExecutor",
    "joblib.Parallel",
}
# Wrappers that make a Keras model look like an estimator, by the last part of their names.
KERAS_ESTIMATORS = {
    "KerasClassifier",
    "KerasRegressor",
    "BaseWrapper",
    "SKLearnClassifier",
    "SKLearnRegressor",
    "SKLearnTransformer",
}


def makes_object(name: str) -> bool:
    """Whether a call of a qualified name makes an object that is known by this name."""
    last = name.rpartition(".")[2]
    if last in KERAS_ESTIMATORS and ".wrappers." in name:
        return True
    return name in MAKERS or (name.startswith(PACKAGES) and last[:1].isupper())

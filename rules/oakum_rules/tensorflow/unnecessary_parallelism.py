"""Train one Keras model at a time on a device; parallel workers each load TensorFlow and take it.

## Why
`n_jobs=-1` starts a process for each core. Around a Keras model each of them imports TensorFlow, copies the data and, on a GPU,
reserves the whole device: the second one runs out of memory, or hangs. Keras uses all cores of its own accord, so that on a CPU
little is gained either.

## Bad
```python
from scikeras.wrappers import KerasClassifier
from sklearn.model_selection import GridSearchCV

estimator = KerasClassifier(model=build_model, epochs=5, verbose=0)
search = GridSearchCV(estimator, {"batch_size": [32, 64]}, cv=3, n_jobs=-1)
search.fit(x_train, y_train)
```

## Good
```python
from scikeras.wrappers import KerasClassifier
from sklearn.model_selection import GridSearchCV

estimator = KerasClassifier(model=build_model, epochs=5, verbose=0)
search = GridSearchCV(estimator, {"batch_size": [32, 64]}, cv=3, n_jobs=1)
search.fit(x_train, y_train)
```

## Fix
Sets `n_jobs=1`. Review it: with fixed seeds the results stay equal, but on a machine without a GPU and with many cores the search
may take longer. With several GPUs, give each worker its own instead: as many jobs as GPUs, and `CUDA_VISIBLE_DEVICES` in each.

## Silent when
The estimator is one of scikit-learn, XGBoost or LightGBM; `n_jobs` is 1, None, at most 4, or comes from outside; the GPU is hidden
(`CUDA_VISIBLE_DEVICES=""`, `set_visible_devices([], "GPU")`); a function sets memory growth or chooses a device, so that trainings
share it; the work goes to dask, ray or spark; the file is a test.

## Evidence
Measured with scikit-learn 1.9 and joblib 1.6 on two cores, without a Keras estimator: after a search the workers stay for 300 s on
purpose, 191 MB and 10 descriptors, the same after five searches, so it is cost and no leak. A small search takes 170 ms in parallel
(4.6 s the first time) and 50 to 130 ms serially. Nested `n_jobs=-1` is no slower: joblib limits the inner one. `pre_dispatch` of
`2*n_jobs`, recommended as a cure, is the default. What a GPU does was not measured. `n_jobs=1` as a rule for all estimators, as the
practice has it, would be wrong.
"""

import ast
from collections.abc import Iterator

from oakum.facts import Facts, Obj
from oakum.rule import Finding, Fix, Framework, Level, Replace, Rule, Safety, places

RULE = Rule(
    __name__,
    code="TK16",
    smell="Unnecessary Parallelism",
    frameworks={Framework.KERAS, Framework.TENSORFLOW},
    level=Level.INFORMATION,
    category="Environment & Configuration",
    subcategory="Parallelism",
    practices=("GridSearchCV Parallelism Control",),
    fix=Safety.REVIEW,
    see_also=("TK15",),
)

_SEARCHES = {
    "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "BayesSearchCV", "RFECV",
    "cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve", "permutation_importance",
    "permutation_test_score",
}  # fmt: skip
_WRAPPERS = {"KerasClassifier", "KerasRegressor", "BaseWrapper", "SKLearnClassifier", "SKLearnRegressor"}
_POOLS = {"multiprocessing.Pool", "multiprocessing.pool.Pool", "concurrent.futures.ProcessPoolExecutor"}
_SHARED_OUT = {"set_memory_growth", "set_logical_device_configuration", "set_virtual_device_configuration", "device"}
_TRAINING = {".fit", ".fit_generator", ".train_on_batch"}


def _search(node: ast.AST, facts: Facts) -> tuple[ast.Call, ast.expr, ast.expr] | None:
    """A search or cross-validation that names its number of jobs: the call, its estimator, the number."""
    if not isinstance(node, ast.Call) or not any(keyword.arg == "n_jobs" for keyword in node.keywords):
        return None
    name = facts.qualified(node.func) or ""
    estimator, jobs = facts.argument(node, 0, "estimator"), facts.argument(node, 99, "n_jobs")
    if name.rpartition(".")[2] not in _SEARCHES or not name.startswith(("sklearn.", "skopt.")) or not estimator or not jobs:
        return None
    return node, estimator, jobs


def _many(jobs: ast.expr, facts: Facts) -> bool:
    """Whether a number of jobs means all cores, or more than a handful."""
    if isinstance(jobs, ast.Call):
        return facts.qualified(jobs.func) in ("os.cpu_count", "multiprocessing.cpu_count", "joblib.cpu_count")
    number = facts.constant(jobs)
    return isinstance(number, int) and not isinstance(number, bool) and (number < 0 or number > 4)


def _is_keras(estimator: ast.expr, facts: Facts) -> bool:
    """Whether an estimator is a Keras model in wrapping, or holds one."""
    for obj in facts.parts(estimator):
        if obj.kind == "object" and obj.name.rpartition(".")[2] in _WRAPPERS:
            return True
        libraries = facts.derives_from(obj)
        if any(name.rpartition(".")[2] in _WRAPPERS for name in libraries):
            return True
        if any(name.startswith("sklearn.base.") for name in libraries) and _trains(obj, facts):
            return True
    return False


def _trains(function: Obj, facts: Facts) -> bool:
    """Whether a run of a function or class trains a Keras model."""
    names = {name for name, _ in facts.runs(function)}
    framework = any(name.startswith(("tensorflow.", "keras.", "tf_keras.")) for name in names)
    return framework and (bool(names & _TRAINING) or any(name.endswith(".GradientTape") for name in names))


def _no_contest(facts: Facts) -> bool:
    """Whether workers don't fight for a GPU: none is seen, each function settles its share, or the work goes elsewhere."""
    if facts.is_test_file() or any(facts.function(call) is not None for call in facts.calls(*_SHARED_OUT)):
        return True
    if any(
        call.args and isinstance(call.args[0], ast.List) and not call.args[0].elts for call in facts.calls("set_visible_devices")
    ):
        return True
    if any(isinstance(call.args[0], ast.Constant) for call in facts.calls("parallel_backend", "parallel_config") if call.args):
        return True
    return any(
        setting.name == "CUDA_VISIBLE_DEVICES"
        and (facts.constant(setting.value) in ("", "-1") or facts.function(setting.node) is not None)
        for setting in facts.environment()
    )


@RULE.check
def search_over_keras_models(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A search or cross-validation that trains Keras models in many processes."""
    found = _search(node, facts)
    if found is None or not _many(found[2], facts) or not _is_keras(found[1], facts) or _no_contest(facts):
        return
    _, estimator, jobs = found
    yield Finding(
        jobs,
        f"`n_jobs={facts.short(jobs, 16)}` trains `{facts.short(estimator, 24)}` in several processes, which fight for the GPU. "
        "Each loads TensorFlow and reserves the device, if there is one: expect out-of-memory errors or hangs. Use `n_jobs=1`.",
        (Fix.of("One training at a time on the GPU", Replace(jobs, "1")),),
        places(
            *(
                (obj.node, "the Keras model is wrapped here")
                for obj in facts.parts(estimator)
                if obj.name.rpartition(".")[2] in _WRAPPERS
            )
        ),
    )


@RULE.check
def parallel_training(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A pool of processes, or `joblib.Parallel`, over a function that trains a Keras model."""
    work = _parallel(node, facts)
    if work is None:
        return
    workers, task = work
    for obj in facts.value(task):
        if obj.kind in ("function", "method") and _trains(obj, facts) and not _no_contest(facts):
            yield Finding(
                workers,
                f"Several processes run `{facts.short(task, 30)}`, and each trains a model on the same GPU. "
                "Each loads TensorFlow and reserves the device: train in one process at a time, or give each worker its own device.",
                (),
                places((obj.node, "the model is trained in here")),
            )
            return


def _parallel(node: ast.Call, facts: Facts) -> tuple[ast.expr, ast.expr] | None:
    """The node that asks for several workers, and the function that they run."""
    match node:
        case (
            ast.Call(func=ast.Call(func=maker) as pool, args=[ast.GeneratorExp(elt=ast.Call(func=ast.Call(args=[task])))])
            | ast.Call(func=ast.Call(func=maker) as pool, args=[ast.ListComp(elt=ast.Call(func=ast.Call(args=[task])))])
        ):
            jobs = facts.argument(pool, 0, "n_jobs")
            processes = facts.argument(pool, 99, "prefer") is None and facts.argument(pool, 99, "backend") is None
            several = jobs is not None and (_many(jobs, facts) or _number(jobs, facts) > 1)
            return (jobs, task) if jobs and several and processes and facts.qualified(maker) == "joblib.Parallel" else None
        case ast.Call(
            func=ast.Attribute(value=owner, attr="map" | "imap" | "imap_unordered" | "starmap" | "map_async" | "submit"),
            args=[task, *_],
        ):
            if isinstance(task, ast.Lambda):
                return None
            for obj in facts.value(owner):
                if obj.kind == "object" and obj.name in _POOLS and isinstance(obj.node, ast.Call):
                    number = facts.argument(obj.node, 0, "processes") or facts.argument(obj.node, 0, "max_workers")
                    alone = number is not None and not _many(number, facts) and _number(number, facts) == 1
                    here = facts.statement(obj.node) is not None and bool(facts.ancestors(obj.node))
                    return None if alone else ((obj.node if here else node), task)
            return None
        case ast.Call(func=ast.Attribute(value=process, attr="start"), args=[]) if loops := facts.loops(node):
            for obj in facts.value(process):
                if (
                    obj.name == "multiprocessing.Process"
                    and isinstance(obj.node, ast.Call)
                    and not facts.calls_in(loops[0], "join")
                ):
                    target = next((keyword.value for keyword in obj.node.keywords if keyword.arg == "target"), None)
                    return (node, target) if target is not None and facts.ancestors(target) else None
            return None
        case _:
            return None


def _number(node: ast.expr, facts: Facts) -> int:
    """A number as far as it is known, else 2: more than one."""
    number = facts.constant(node)
    return number if isinstance(number, int) else 2


@RULE.check(level=Level.HINT)
def nested_parallelism(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A search on all cores around an estimator that uses all cores itself."""
    found = _search(node, facts)
    if found is None or not _many(found[2], facts) or _is_keras(found[1], facts):
        return
    _, estimator, jobs = found
    for obj in facts.parts(estimator):
        if obj.kind == "object" and isinstance(obj.node, ast.Call) and obj.name.startswith("sklearn."):
            inner = next((keyword.value for keyword in obj.node.keywords if keyword.arg == "n_jobs"), None)
            if inner is not None and ast.unparse(inner) == "-1":
                yield Finding(
                    jobs,
                    f"`{facts.short(estimator, 30)}` uses all cores already, so `n_jobs={facts.short(jobs, 16)}` starts workers in vain. "
                    "Workers copy the data, and joblib cuts the inner parallelism to one: keep one of the two.",
                    (),
                    places((inner, "here it takes all cores")),
                )
                return


@RULE.check(level=Level.OFF)
def search_on_all_cores(node: ast.Call, facts: Facts) -> Iterator[Finding]:
    """A search on all cores over an estimator without Keras: a trade of memory for time."""
    found = _search(node, facts)
    if found is not None and _many(found[2], facts) and not _is_keras(found[1], facts):
        yield Finding(
            found[2],
            f"`n_jobs={facts.short(found[2], 16)}` copies the data into a worker for each core. "
            "That is a trade of memory for time and no leak: for a small search `n_jobs=1` is faster.",
        )
